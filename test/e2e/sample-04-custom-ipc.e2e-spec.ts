import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type AppProcess, freePort, sample, useApps } from '../support/index.js';

const apps = useApps();

describe('sample 04-custom-ipc', () => {
  let app: AppProcess;
  let visitorPort: number;
  let pids: number[];
  beforeAll(async () => {
    visitorPort = await freePort();
    const env = { WEB_CONCURRENCY: '2', VISITOR_PORT: String(visitorPort) };
    app = await apps.share({ entry: sample('04-custom-ipc'), env });
    pids = (await app.waitUntilReady(2)).map(({ pid }) => pid);
    await app.waitForLine(/visitors are welcome/);
  });

  it('a worker asks with process.send, and the primary answers with worker.send', async () => {
    const slots = new Set<number>();
    for (let i = 0; i < 10; i++) {
      const { slot, primarySaid } = await app.json('/ask');
      slots.add(slot as number);
      expect(primarySaid).toMatchObject({ cmd: 'you-are', primaryPid: app.pid, workerId: expect.any(Number) });
    }
    expect(slots.size).toBe(2);
  });

  it('a socket that the primary has accepted is answered by the worker it was handed to', async () => {
    const answers: string[] = [];
    for (let i = 0; i < 4; i++) answers.push(await text(connect(visitorPort, 'localhost')));
    for (const answer of answers) expect(answer).toMatch(/^slot [01], pid \d+\n$/);
    const served = answers.map((answer) => Number(/pid (\d+)/.exec(answer)![1]));
    expect(new Set(served)).toEqual(new Set(pids));
  });

  it('stops as any other app', async () => {
    expect(await app.stop()).toEqual({ code: 0, signal: null });
  });
});
