import { beforeAll, describe, expect, it } from '@jest/globals';
import { type AppProcess, eventually, sample, useApps, type WorkerIdentity } from '../support/index.js';

const apps = useApps();

describe('sample 05-boot-once', () => {
  let app: AppProcess;
  let workers: WorkerIdentity[];
  beforeAll(async () => {
    app = await apps.share({ entry: sample('05-boot-once'), env: { WEB_CONCURRENCY: '3' } });
    workers = await app.waitUntilReady(3);
  });

  const linesWith = (words: RegExp) => app.output.lines.flatMap((line, at) => (words.test(line) ? [at] : []));

  it('one worker migrates before anyone listens, and all work with its result', async () => {
    const started = /Nest application successfully started/;
    const starts = await eventually(() => linesWith(started).length === 3 && linesWith(started), { what: '3 starts' });
    const migrations = linesWith(/slot \d migrates/);
    expect(migrations).toHaveLength(1);
    expect(Math.min(...starts)).toBeGreaterThan(migrations[0]!);
    expect(workers.map(({ schema }) => schema)).toEqual([7, 7, 7]);
  });

  it('one worker warms the cache up, while all serve', async () => {
    await app.waitForLine(/has warmed the cache up/);
    expect(linesWith(/warms the cache up/)).toHaveLength(1);
    const [done] = linesWith(/has warmed the cache up/);
    for (const start of linesWith(/Nest application successfully started/)) expect(start).toBeLessThan(done!);
  });

  it('the heartbeat beats in the leader alone; when it is killed, in another', async () => {
    const beat = /slot (\d), pid (\d+), is the leader/;
    const first = await app.waitForLine(beat);
    const second = await app.waitForLine(beat, app.output.mark);
    expect(second[2]).toBe(first[2]);
    const leaders = (await app.waitUntilReady(3)).filter(({ leader }) => leader).map(({ pid }) => pid);
    expect(leaders).toEqual([Number(first[2])]);

    process.kill(Number(first[2]), 'SIGKILL');
    const next = await app.waitForLine(new RegExp(`pid (?!${first[2]},)\\d+, is the leader`), app.output.mark);
    expect(next[0]).not.toContain(`pid ${first[2]}`);
    expect(linesWith(/slot \d migrates/)).toHaveLength(1);
  });
});
