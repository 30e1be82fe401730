import { describe, expect, it } from '@jest/globals';
import { SendWindow } from '../../../lib/distributed-bus/send-window.js';
import { settled } from '../manual-clock.js';

const MIB = 1024 * 1024;

/** An outflow whose broker confirms when it is told to. */
function outflow(limit: number) {
  const confirms: (() => void)[] = [];
  const sent: number[] = [];
  const flow = new SendWindow(() => new Promise((resolve) => confirms.push(resolve)), limit);
  const send = (n: number, bytes = MIB / 4) => flow.pass(`event ${n}`, bytes, () => sent.push(n));
  const confirm = async () => {
    for (const resolve of confirms.splice(0)) resolve();
    await settled();
  };
  return { flow, sent, send, confirm };
}

describe('what flows out', () => {
  it('is sent at once while the broker keeps up', async () => {
    const { send, sent, confirm } = outflow(MIB);
    for (let n = 0; n < 20; n++) {
      await send(n);
      await confirm();
    }
    expect(sent).toHaveLength(20);
  });

  it('waits in order while too much is on its way, and is refused where too much waits', async () => {
    const { send, sent, confirm } = outflow(MIB / 2);
    await Promise.all([0, 1, 2, 3].map((n) => send(n)));
    const waiting = [send(4), send(5)];
    expect(sent).toEqual([0, 1, 2, 3]);
    await expect(send(6)).rejects.toMatchObject({
      code: 'ERR_CLUSTER_BACKPRESSURE',
      message: expect.stringMatching(/^'event 6' was not sent: 2 messages with .* wait/),
    });
    await confirm();
    await confirm();
    await Promise.all(waiting);
    expect(sent).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('fails what waits when the connection is lost', async () => {
    const { flow, send } = outflow(MIB);
    await Promise.all([0, 1, 2, 3].map((n) => send(n)));
    const waiting = send(4);
    flow.reset((event) => new Error(`${event} is lost`));
    await expect(waiting).rejects.toThrow('event 4 is lost');
    await send(5);
  });
});
