import { describe, expect, it } from '@jest/globals';
import { ascending, eventually, sample, useApps } from '../support/index.js';

const apps = useApps();

describe('sample 01-quickstart', () => {
  it('says what to curl, and each of that works', async () => {
    const app = await apps.start({ entry: sample('01-quickstart'), env: { WEB_CONCURRENCY: '2' } });
    await app.waitForLine(/^2 workers are ready/);
    const invited = await app.waitForLine(/curl -X POST (\S+)\/reload/);
    expect(invited[1]).toBe(app.url);

    const workers = await app.waitUntilReady(2);
    expect(workers.map(({ slot }) => slot)).toEqual([0, 1]);

    expect(await app.json('/broadcast/hello', { method: 'POST' })).toEqual({ told: 2 });
    const heard = new Set<number>();
    await eventually(
      async () => {
        const { slot, notes } = await app.json('/notes');
        if (notes.join() === 'hello') heard.add(slot as number);
        return heard.size === 2;
      },
      { what: () => `the note in both workers, only in ${[...heard]}` },
    );

    const { value, slot } = await app.json('/consume/40', { method: 'POST' });
    expect(value).toBe(102_334_155);
    expect([0, 1]).toContain(slot);

    const stats: { pid: number }[] = await app.json('/map');
    expect(ascending(stats.map(({ pid }) => pid))).toEqual(ascending(workers.map(({ pid }) => pid)));

    const report = await app.json('/reload', { method: 'POST' });
    expect(report.generation).toBe(workers[0]!.generation + 1);
    expect(ascending(report.replaced.map(({ oldPid }: { oldPid: number }) => oldPid))).toEqual(
      ascending(workers.map(({ pid }) => pid)),
    );

    expect(await app.stop('SIGINT')).toEqual({ code: 0, signal: null });
    expect(app.output.text.match(/^2 workers are ready/gm)).toHaveLength(1);
  });
});
