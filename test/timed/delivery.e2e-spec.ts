import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type CallResult, eventually, fixture, FixtureApp, type FixtureOptions, useApps } from '../support/index.js';

/*
 * What the messenger promises of a message whose receiver dies, stops or is replaced, each by real faults of real
 * processes. Tasks are counted where they run, in a file that outlives whoever wrote to it.
 */

const folder = mkdtempSync(join(tmpdir(), 'nestjs-cluster-delivery-'));
afterAll(() => rmSync(folder, { recursive: true }));
const apps = useApps();

interface Run {
  readonly n: number;
  readonly attempt: number;
  readonly slot: number;
}

let files = 0;

/** The app, and what its workers have run. */
async function start(cluster: FixtureOptions['cluster'] = {}) {
  const file = join(folder, `${(files += 1)}.txt`);
  const app = await FixtureApp.start(apps, {
    entry: fixture('delivery/main'),
    env: { RUNS: file },
    cluster,
    silentHttp: true,
  });
  const runs = (): Run[] =>
    (existsSync(file) ? readFileSync(file, 'utf8') : '')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' ').map(Number))
      .map(([n, attempt, slot]) => ({ n: n!, attempt: attempt!, slot: slot! }));
  const consume = (work: object, options: object = {}): Promise<CallResult> =>
    app.call('primary', 'consume', 'work', work, options);
  const running = (n: number, attempt = 1) =>
    app.process.waitForReport('run', (report) => report['n'] === n && report['attempt'] === attempt);
  const drive = (from: number | 'primary', options: object) => app.call('primary', 'send', from, 'drive', options);
  const driven = async () => {
    const report = await app.process.output.wait(
      'report @driven',
      (line) =>
        line.startsWith('@driven ') ? (JSON.parse(line.slice(8)) as { ok: number; failed: object[] }) : undefined,
      0,
      50_000,
    );
    return report;
  };
  return { app, runs, consume, running, drive, driven };
}

/** How many redeliveries the primary has reported. */
function redeliveriesIn(output: string): number {
  const reported = [...output.matchAll(/(\d+) task\(s\) that slot \d+ .* was running when it went away run again/g)];
  return reported.reduce((sum, [, count]) => sum + Number(count), 0);
}

describe('a task whose worker', () => {
  it.each(['kill', 'exit'])('dies in the handler (%s): another one runs it, and it succeeds once', async (fault) => {
    const { consume, runs } = await start();
    expect(await consume({ n: 7, fault, until: 1 })).toMatchObject({ value: 7 });
    expect(runs().map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('is killed with it, at most once: it is lost, and never run again', async () => {
    const { consume, runs } = await start();
    const { error } = await consume({ n: 7, fault: 'kill' }, { delivery: 'at-most-once' });
    expect(error).toMatchObject({ code: 'ERR_CLUSTER_MEMBER_LOST' });
    expect(await consume({ n: 8 })).toMatchObject({ value: 8 });
    expect(runs().filter(({ n }) => n === 7)).toHaveLength(1);
  });

  it('dies of it every time: it is lost after its redeliveries, and the next task runs', async () => {
    const { consume, runs } = await start();
    const { error } = await consume({ n: 7, fault: 'kill' }, { redeliveries: 2 });
    expect(error).toMatchObject({ code: 'ERR_CLUSTER_MEMBER_LOST' });
    expect(runs().map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(await consume({ n: 8 })).toMatchObject({ value: 8 });
  });

  it('stops for a while and goes on: run once, succeeded once, and others get the tasks meanwhile', async () => {
    const { app, consume, runs, running } = await start({ watchdog: { interval: 100, suspectAfter: 500 } });
    const task = consume({ n: 0, ms: 300 });
    const { pid, slot } = await running(0);
    process.kill(pid as number, 'SIGSTOP');
    await eventually(async () => (await app.members()).some((member) => member.slot === slot && member.suspect), {
      what: 'the stopped worker to be suspect',
    });
    for (let n = 1; n <= 4; n++) expect(await consume({ n })).toMatchObject({ value: n });
    expect(runs().filter((run) => run.slot === slot)).toHaveLength(1);
    process.kill(pid as number, 'SIGCONT');
    expect(await task).toMatchObject({ value: 0 });
    expect(runs().filter(({ n }) => n === 0)).toHaveLength(1);
  });

  it('stops for good: it is killed by the watchdog, and another one runs the task', async () => {
    const { consume, runs, running } = await start({
      watchdog: { interval: 100, suspectAfter: 500, killAfter: 2_000 },
    });
    const task = consume({ n: 0, ms: 1_000 });
    const { pid } = await running(0);
    process.kill(pid as number, 'SIGSTOP');
    expect(await task).toMatchObject({ value: 0 });
    expect(runs().map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('is blocked for longer than the deadline: the caller hears at the deadline, and what waits there is never begun', async () => {
    const { consume, runs } = await start({ workers: 1 });
    const blocking = consume({ n: 0, ms: 2_000, fault: 'block' }, { timeout: 700 });
    const behind = consume({ n: 1 }, { timeout: 700 });
    for (const { error, elapsed } of await Promise.all([blocking, behind])) {
      expect(error).toMatchObject({ code: 'ERR_CLUSTER_TIMEOUT' });
      expect(elapsed).toBeGreaterThanOrEqual(690);
      expect(elapsed).toBeLessThan(2_000);
    }
    expect(await consume({ n: 2 })).toMatchObject({ value: 2 });
    expect(runs().map(({ n }) => n)).toEqual([0, 2]);
  });
});

describe('many tasks', () => {
  it('10,000, and workers killed at random all the while: each succeeds once, none is lost, each redelivery is reported', async () => {
    const { app, drive, driven, runs } = await start({ workers: 4 });
    const tasks = 10_000;
    await drive('primary', { tasks, inFlight: 100, ms: 100 });
    const done = driven();
    let isDone = false;
    void done.then(
      () => (isDone = true),
      () => (isDone = true),
    );
    let seed = 20_261_121;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    let kills = 0;
    while (!isDone) {
      const members = await app.members();
      // Somebody has to get something done: boots take all of this machine's two cores.
      if (members.length >= 2 && kills < 30) {
        process.kill(members[random(members.length)]!.pid, 'SIGKILL');
        kills += 1;
      }
      // It is the faults that are to come at random times, not the test that waits for something.
      await setTimeout(100 + random(300));
    }
    expect(await done).toEqual({ ok: tasks, failed: [] });
    const lastAttempts = new Map<number, number>();
    for (const { n, attempt } of runs()) {
      expect(attempt).toBeGreaterThan(lastAttempts.get(n) ?? 0);
      lastAttempts.set(n, attempt);
    }
    expect(lastAttempts.size).toBe(tasks);
    const extra = runs().length - tasks;
    // One that had been sent to a worker and was not begun when it died is a redelivery and no extra run.
    const redeliveries = [...lastAttempts.values()].reduce((sum, attempt) => sum + attempt - 1, 0);
    expect(redeliveriesIn(app.process.output.text)).toBe(redeliveries);
    expect(extra).toBeLessThanOrEqual(redeliveries);
    expect(extra).toBeGreaterThan(0);
    expect(kills).toBeGreaterThan(3);
  });

  it('through a reload and a scale down and up: each runs exactly once', async () => {
    const { app, drive, driven, runs } = await start({ workers: 3 });
    const tasks = 3_000;
    await drive('primary', { tasks, inFlight: 20, ms: 60 });
    await app.primary('/reload', {});
    await app.primary('/scale', { workers: 1 });
    await app.primary('/scale', { workers: 3 });
    expect(await driven()).toEqual({ ok: tasks, failed: [] });
    expect(runs()).toHaveLength(tasks);
    expect(new Set(runs().map(({ n }) => n)).size).toBe(tasks);
    expect(redeliveriesIn(app.process.output.text)).toBe(0);
  });

  it('while the primary stands still for a while: each runs exactly once', async () => {
    const { app, drive, driven, runs } = await start({
      watchdog: { interval: 100, suspectAfter: 500, killAfter: 2_000 },
    });
    const before = app.process.workers;
    await drive(0, { tasks: 1_000, inFlight: 20, ms: 20 });
    await app.process.waitForReport('driving');
    app.process.kill('SIGSTOP');
    // Longer than what a worker may be silent.
    await setTimeout(3_000);
    app.process.kill('SIGCONT');
    expect(await driven()).toEqual({ ok: 1_000, failed: [] });
    expect(runs()).toHaveLength(1_000);
    expect(app.process.workers).toEqual(before);
  });

  it('of a bounded concurrency: no worker has more than one at a time, and none idles while others wait', async () => {
    const { drive, driven, runs } = await start();
    await drive('primary', { tasks: 100, inFlight: 100, ms: 10, event: 'narrow' });
    expect(await driven()).toEqual({ ok: 100, failed: [] });
    const bySlot = [0, 1].map((slot) => runs().filter((run) => run.slot === slot).length);
    for (const count of bySlot) expect(count).toBeGreaterThan(20);
  });
});

describe('a member that dies with a question', () => {
  it('map: it settles as lost at once, with the answers of the others', async () => {
    const { app } = await start({ workers: 3 });
    const call = app.call('primary', 'mapSettled', 'hold', 1);
    const { pid } = await app.process.waitForReport('holding');
    const killedAt = performance.now();
    process.kill(pid as number, 'SIGKILL');
    const { value } = await call;
    expect(performance.now() - killedAt).toBeLessThan(2_000);
    expect(value).toMatchObject([
      { slot: 0, value: 0 },
      { slot: 1, reason: { code: 'ERR_CLUSTER_MEMBER_LOST', slot: 1 } },
      { slot: 2, value: 2 },
    ]);
  });

  it('send: it rejects as lost at once, and the next one reaches the new worker', async () => {
    const { app } = await start();
    const call = app.call('primary', 'send', 1, 'hold', 1);
    const { pid } = await app.process.waitForReport('holding');
    process.kill(pid as number, 'SIGKILL');
    expect((await call).error).toMatchObject({ code: 'ERR_CLUSTER_MEMBER_LOST', slot: 1 });
    expect(await app.call('primary', 'send', 1, 'hold', 0)).toMatchObject({ value: 1 });
  });
});

describe('consume$ and giving up', () => {
  it('progress arrives in order, in a worker as in the primary, and then the result', async () => {
    const { app } = await start();
    for (const from of ['primary', 0, 1]) {
      const { mark } = app;
      await app.call('primary', 'send', from, 'watch', 500);
      const { said } = await app.process.waitForReport('watched', () => true, mark);
      const steps = Array.from({ length: 500 }, (_, i) => ({ type: 'progress', value: { step: i + 1, of: 500 } }));
      expect(said).toEqual([...steps, { type: 'result', value: 'done' }]);
    }
  });

  it('a task given up: the caller goes on, and its handler hears of it, in another process', async () => {
    const { app } = await start();
    expect(await app.call('primary', 'send', 0, 'give-up', { n: 3, after: 300 })).toMatchObject({
      value: 'TimeoutError',
    });
    await app.process.waitForReport('aborted', ({ n, reason }) => n === 3 && reason === 'AbortError');
  });
});
