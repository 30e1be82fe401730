import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, type FixtureApp, type ClusterMember, useApps } from '../support/index.js';
import { keepBusy, startSupervised } from '../support/supervised-app.js';

const apps = useApps();

const watchdog = { interval: 200, suspectAfter: 2_500, killAfter: 5_000 };

/** What a worker may take to boot on a busy machine, in ms. */
const BOOT_TIME = 5_000;

describe('watchdog', () => {
  let app: FixtureApp;
  let before: ClusterMember[];
  let mark: number;
  beforeAll(async () => {
    const restart = { minDelay: 10, maxCrashes: 100 };
    app = await startSupervised(apps, { shared: true, cluster: { workers: 3, watchdog, restart } });
  });
  beforeEach(async () => {
    before = await app.waitUntilFull();
    mark = app.mark;
  });

  const said = (pattern: RegExp) => app.process.output.lines.slice(mark).filter((line) => pattern.test(line));
  const exits = () => app.workerEvents(mark).filter(({ event }) => event === 'exit');

  it('`while (true)`: the others serve at once, it is replaced within killAfter and a boot, nobody else is', async () => {
    const victim = await keepBusy(app, 1);
    const blockedAt = Date.now();
    const answers: number[] = [];
    const clients = Array.from({ length: 12 }, async () => {
      await app.process.json('/');
      answers.push(Date.now() - blockedAt);
    });
    // One connection is in the victim's hand until it is killed; no other client notices anything.
    await eventually(() => answers.length >= 11, { what: () => `11 answers, got ${answers.length}` });
    expect(Math.max(...answers.slice(0, 11))).toBeLessThan(watchdog.suspectAfter);

    await app.waitForReplacement({ slot: 1, pid: victim.pid });
    expect(Date.now() - blockedAt).toBeLessThan(watchdog.killAfter + BOOT_TIME);
    await Promise.all(clients);
    expect(exits()).toMatchObject([{ pid: victim.pid, signal: 'SIGKILL' }]);
    expect(said(/is unresponsive; it gets no new work/)).toHaveLength(1);
    expect(said(/missed heartbeats for 5000 ms \(watchdog\.killAfter\)/)).toHaveLength(1);
    expect((await app.waitUntilFull()).filter(({ slot }) => slot !== 1)).toEqual(
      before.filter(({ slot }) => slot !== 1),
    );
  });

  it('a worker that is merely busy, 500 ms again and again for longer than killAfter, is never suspected', async () => {
    const busy = await keepBusy(app, 0, 500, 12);
    expect(await busy.outcome).toBe('answered');
    expect(said(/silent/)).toEqual([]);
    expect(exits()).toEqual([]);
    expect(await app.waitUntilFull()).toEqual(before);
  });

  it('a worker that is silent for a while gets no broadcast and no task, and does again once it is heard', async () => {
    const { pid } = before[2]!;
    process.kill(pid, 'SIGSTOP');
    await app.process.waitForLine(/in slot 2 \(pid \d+\) is unresponsive/, mark);
    expect((await app.members()).map(({ suspect }) => suspect)).toEqual([false, false, true]);
    await app.call('primary', 'broadcast', 'note', 'while silent');
    const jobs = await Promise.all(Array.from({ length: 6 }, () => app.call('primary', 'consume', 'job')));
    expect(new Set(jobs.map(({ value }) => value.slot))).toEqual(new Set([0, 1]));

    process.kill(pid, 'SIGCONT');
    await app.process.waitForLine(/in slot 2 \(pid \d+\) is responding again/, mark);
    expect(await app.waitUntilFull()).toEqual(before);
    expect(await app.identify(2)).toMatchObject({ pid });
    await app.call('primary', 'broadcast', 'note', 'heard again');
    await app.process.waitForReport('note', ({ slot, text }) => slot === 2 && text === 'heard again', mark);
    const notes = app.process.output.reports('note', mark).filter(({ slot }) => slot === 2);
    expect(notes.map(({ text }) => text)).toEqual(['heard again']);
    expect(exits()).toEqual([]);
  });

  it('a machine that was suspended for longer than killAfter: nobody is suspected, nobody is killed', async () => {
    const everybody = [app.process.pid, ...before.map(({ pid }) => pid)];
    for (const pid of everybody) process.kill(pid, 'SIGSTOP');
    const continueAt = Date.now() + watchdog.killAfter + 500;
    const pending = app.process.json('/');
    await eventually(() => Date.now() >= continueAt, { what: 'the time to pass' });
    for (const pid of everybody) process.kill(pid, 'SIGCONT');
    await pending;
    // Another round of heartbeats: whoever was to be blamed has been by now.
    for (const { slot } of before) await app.process.jsonFrom(slot, '/busy?ms=50&times=10', { method: 'POST' });
    expect(await app.waitUntilFull()).toEqual(before);
    expect(exits()).toEqual([]);
    expect(said(/silent/)).toEqual([]);
  });
});
