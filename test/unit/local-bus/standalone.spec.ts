import { describe, expect, it, jest } from '@jest/globals';
import { createStandalone } from '../../../lib/local-bus/standalone.js';
import { decode, encode } from '../../../lib/codec/codec.js';
import { NotConnectedError } from '../../../lib/errors/errors.js';
import { Peer, text } from '../bus/cluster.js';

const LIMITS = { maxPayload: 1000, queueLimit: 10_000 };

async function start() {
  const standalone = createStandalone(LIMITS);
  const self = new Peer(standalone.bus);
  await standalone.bus.open(self);
  return { standalone, self };
}

describe('a standalone bus', () => {
  it('is a cluster of one: broadcast, request, task and claim come back to the same process', async () => {
    const { standalone, self } = await start();
    standalone.bus.serve([{ event: 'job' }]);
    standalone.ready();
    self.runsEverything();
    self.onRequesting = (request) => self.bus.reply(request, 'ok', encode('e', { at: new Date(5) }, 1000));
    const heard = new Promise<void>((resolve) => {
      self.onPublishing = () => resolve();
    });
    await self.publish('e', 'x');
    await heard;
    expect(self.publications).toEqual(['0:e:x']);
    expect(decode((await self.request(1, 'e')).payload)).toEqual({ at: new Date(5) });
    expect(text((await self.enqueue('job')).payload)).toBe('by 0');
    expect(await self.claim('k')).toEqual({ granted: true, term: 1 });
    self.bus.conclude('k', 'ok', Buffer.from('r'));
    expect(await self.claim('k')).toMatchObject({ granted: false });
    expect(standalone.bus.members).toEqual([
      { id: 1, slot: 0, generation: 0, pid: process.pid, state: 'ready', suspect: false },
    ]);
  });

  it('has no member before ready()', async () => {
    const { standalone } = await start();
    expect(standalone.bus.members).toEqual([]);
  });

  it('works while the test that uses it has replaced the clock', async () => {
    jest.useFakeTimers();
    try {
      const { standalone, self } = await start();
      standalone.bus.serve([{ event: 'job' }]);
      self.runsEverything();
      standalone.ready();
      expect((await self.enqueue('job')).outcome).toBe('ok');
      await standalone.close();
    } finally {
      jest.useRealTimers();
    }
  });

  it('close() fences the member, then rejects further calls', async () => {
    const { standalone, self } = await start();
    standalone.ready();
    await standalone.close();
    await standalone.bus.drained;
    await expect(self.publish('e')).rejects.toThrow(NotConnectedError);
    expect(self.closed).toEqual([]);
  });

  it('can be closed before it was opened', async () => {
    const standalone = createStandalone(LIMITS);
    await standalone.close();
    await expect(standalone.bus.open(new Peer(standalone.bus))).rejects.toThrow(NotConnectedError);
  });
});
