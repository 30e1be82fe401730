import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { eventually, type FixtureApp, isRunning, useApps } from '../support/index.js';
import { giveChild, keepBusy, keepWaiting, startSupervised } from '../support/supervised-app.js';

const apps = useApps();

/** DESIGN.md: nothing is left of a killed primary after this many ms. */
const GONE_WITHIN = 5_000;

async function killPrimary({ process: app }: FixtureApp): Promise<void> {
  app.kill('SIGKILL');
  await app.waitForExit();
}

/** `pids` are some of which it is known that they were there. */
const nothingLeft = ({ process: app }: FixtureApp, pids: readonly number[] = []): Promise<true> =>
  eventually(() => app.processes.length === 0 && !pids.some((pid) => isRunning(pid)), {
    timeout: GONE_WITHIN,
    what: () => `the end of ${app.processes}, ${pids}\n--- output\n${app.output.text}`,
  });

describe('the primary is killed with kill -9: nothing is left 5 s later', () => {
  it('of idle workers, which leave by themselves', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-cluster-orphans-'));
    const file = join(folder, 'ends');
    try {
      const app = await startSupervised(apps, { env: { ENDS: file } });
      const workers = (await app.members()).map(({ pid }) => pid);
      await killPrimary(app);
      await nothingLeft(app, workers);
      const ends = readFileSync(file, 'utf8').trim().split('\n');
      expect(ends.sort()).toEqual(workers.map(String).sort());
      // What went through the primary goes now where the primary wrote.
      const said = () => app.process.output.lines.filter((line) => line.includes('The primary is gone; this worker'));
      await eventually(() => said().length === 2, { what: () => `both lines in:\n${app.process.output.text}` });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('of a worker blocked by `while (true)`, of a stopped one, and of the processes that workers had started', async () => {
    const app = await startSupervised(apps, { cluster: { workers: 3 } });
    const children = [await giveChild(app, 0), await giveChild(app, 1)];
    const stopped = await app.member(2);
    const busy = await keepBusy(app, 1);
    process.kill(stopped.pid, 'SIGSTOP');
    await killPrimary(app);
    // None of these hears anything of it: whoever ends them comes from outside.
    const deaf = [busy.pid, stopped.pid, ...children];
    expect(deaf.filter((pid) => isRunning(pid))).toEqual(deaf);
    await nothingLeft(app, deaf);
  });
});

describe('the primary is killed with kill -9: what is in flight', () => {
  it('is answered by a worker that goes on', async () => {
    const app = await startSupervised(apps);
    const slow = await keepWaiting(app, 0, 1_500);
    await killPrimary(app);
    expect(await slow.outcome).toBe('answered');
    await nothingLeft(app);
  });

  it('is answered by a worker that was draining already', async () => {
    const app = await startSupervised(apps, { cluster: { shutdown: { timeout: 30_000 } } });
    const idle = await app.member(1);
    const slow = await keepWaiting(app, 0, 2_500);
    app.process.kill('SIGTERM');
    // The idle worker is gone, so the other one drains too.
    await app.waitForWorkerEvent('exit', idle.pid);
    await killPrimary(app);
    expect(await slow.outcome).toBe('answered');
    await nothingLeft(app);
  });
});

describe('a worker that had started processes of its own', () => {
  it('is killed with kill -9: they die with it, those of another worker live', async () => {
    const app = await startSupervised(apps);
    const [others, its] = [await giveChild(app, 0), await giveChild(app, 1)];
    const victim = await app.member(1);
    process.kill(victim.pid, 'SIGKILL');
    await eventually(() => !isRunning(its), { what: `the end of the child ${its}` });
    await app.waitForReplacement(victim);
    expect(isRunning(others)).toBe(true);
  });

  it('hangs and is killed by the watchdog: the same', async () => {
    const watchdog = { interval: 200, suspectAfter: 1_000, killAfter: 2_000 };
    const app = await startSupervised(apps, { cluster: { watchdog } });
    const [others, its] = [await giveChild(app, 0), await giveChild(app, 1)];
    const victim = await keepBusy(app, 1);
    await eventually(() => !isRunning(its), { what: `the end of the child ${its}` });
    await app.waitForReplacement({ slot: 1, pid: victim.pid });
    expect(isRunning(others)).toBe(true);
  });
});
