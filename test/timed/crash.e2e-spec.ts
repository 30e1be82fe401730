import { beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, FixtureApp, isRunning, useApps } from '../support/index.js';

const apps = useApps();
/** Every call here has the default deadline of 30 s; what ends much earlier did not wait for it. */
const AT_ONCE = 5_000;

describe('a worker that crashes', () => {
  let app: FixtureApp;
  beforeAll(async () => {
    app = await FixtureApp.start(apps, { shared: true });
  });

  it('killed with kill -9: another takes its slot, the rest goes on serving', async () => {
    const [other, victim] = [await app.member(0), await app.member(1)];
    process.kill(victim.pid, 'SIGKILL');
    const successor = await app.waitForReplacement(victim);
    expect(successor).toMatchObject({ slot: 1, generation: victim.generation, suspect: false });
    expect(await app.member(0)).toEqual(other);
    expect(await app.identify(1)).toMatchObject({ pid: successor.pid, slot: 1 });
    await app.waitUntilFull();
  });

  it.each([
    ['an uncaught exception', 'throw', 'thrown outside of a request'],
    ['an unhandled rejection', 'reject', 'rejected outside of a request'],
  ])('%s: what is in flight is finished, it leaves with a non-zero code and is replaced', async (_, how, message) => {
    const victim = await app.member(1);
    const { mark } = app;
    const inFlight = app.process.jsonFrom(1, '/slow?ms=3000');
    await app.process.waitForReport('slow', ({ pid }) => pid === victim.pid, mark);
    await app.process.jsonFrom(1, `/crash/${how}`, { method: 'POST' });
    await app.process.waitForLine(new RegExp(message), mark);
    const ofOthers = async () => (await app.process.json('/')).pid !== victim.pid;
    await eventually(
      async () => {
        for (let i = 0; i < 6; i++) if (!(await ofOthers())) return false;
        return true;
      },
      { what: 'the worker to take no new connection' },
    );
    expect(isRunning(victim.pid)).toBe(true);
    expect(await inFlight).toEqual({ slot: 1, pid: victim.pid });
    const exit = await app.waitForWorkerEvent('exit', victim.pid, mark);
    expect(exit['signal']).toBeNull();
    expect(exit['code']).toBeGreaterThan(0);
    expect(await app.waitForReplacement(victim)).toMatchObject({ slot: 1, generation: victim.generation });
    await app.waitUntilFull();
  });
});

describe('onUncaughtException and onUnhandledRejection', () => {
  it.each([
    ['throw', 'uncaught'],
    ['reject', 'unhandled'],
  ])('returning false keeps the worker after a %s', async (how, kind) => {
    const app = await FixtureApp.start(apps, { cluster: { workers: 1 }, env: { LIVE_ON: 'yes' } });
    const { pid } = await app.member(0);
    await app.process.json(`/crash/${how}`, { method: 'POST' });
    expect((await app.process.waitForReport(kind))['message']).toContain('outside of a request');
    expect(await app.process.json('/')).toMatchObject({ pid, slot: 0 });
    expect(app.workerEvents().filter(({ event }) => event === 'exit')).toEqual([]);
  });
});

describe('calls to a worker that is killed', () => {
  let app: FixtureApp;
  beforeAll(async () => {
    app = await FixtureApp.start(apps, { shared: true, cluster: { workers: 3 } });
  });

  it('consume: another worker runs the task, and the handler sees the second attempt', async () => {
    const { mark } = app;
    const result = app.call('primary', 'consume', 'doomed');
    const first = await app.process.waitForReport('doomed', ({ attempt }) => attempt === 1, mark);
    process.kill(first['pid'], 'SIGKILL');
    const { value, elapsed } = await result;
    expect(value).toMatchObject({ attempt: 2 });
    expect(value.pid).not.toBe(first['pid']);
    expect(elapsed).toBeLessThan(AT_ONCE);
    await app.waitUntilFull();
    await app.flush();
    expect(app.process.output.reports('doomed', mark)).toHaveLength(2);
  });

  it("consume with delivery 'at-most-once': the caller is told at once, and nobody runs it again", async () => {
    const { mark } = app;
    const result = app.call('primary', 'consume', 'doomed', null, { delivery: 'at-most-once' });
    const first = await app.process.waitForReport('doomed', () => true, mark);
    process.kill(first['pid'], 'SIGKILL');
    const { error, elapsed } = await result;
    expect(error).toMatchObject({ code: 'ERR_CLUSTER_MEMBER_LOST' });
    expect(elapsed).toBeLessThan(AT_ONCE);
    await app.waitUntilFull();
    await app.flush();
    expect(app.process.output.reports('doomed', mark)).toHaveLength(1);
  });

  it('map: the lost member fails at once, by name', async () => {
    const { mark } = app;
    const result = app.call('primary', 'map', 'hang', [1]);
    const { pid } = await app.process.waitForReport('hanging', ({ slot }) => slot === 1, mark);
    process.kill(pid, 'SIGKILL');
    const { error, elapsed } = await result;
    expect(error).toMatchObject({
      code: 'ERR_CLUSTER_MAP',
      failures: [{ slot: 1, error: { name: 'MemberLostError', code: 'ERR_CLUSTER_MEMBER_LOST' } }],
    });
    expect(elapsed).toBeLessThan(AT_ONCE);
    await app.waitUntilFull();
  });

  it('mapSettled: the others have answered, the lost member has not', async () => {
    const { mark } = app;
    const result = app.call(0, 'mapSettled', 'hang', [2]);
    const { pid } = await app.process.waitForReport('hanging', ({ slot }) => slot === 2, mark);
    process.kill(pid, 'SIGKILL');
    const { value, elapsed } = await result;
    expect(value).toHaveLength(3);
    expect(value.filter(({ status }: { status: string }) => status === 'fulfilled')).toMatchObject([
      { value: 0 },
      { value: 1 },
    ]);
    expect(JSON.stringify(value.find(({ status }: { status: string }) => status === 'rejected'))).toContain(
      'ERR_CLUSTER_MEMBER_LOST',
    );
    expect(elapsed).toBeLessThan(AT_ONCE);
    await app.waitUntilFull();
  });

  it('send: the caller is told at once', async () => {
    const { mark } = app;
    const result = app.call(0, 'send', 1, 'hang', [1]);
    const { pid } = await app.process.waitForReport('hanging', ({ slot }) => slot === 1, mark);
    process.kill(pid, 'SIGKILL');
    const { error, elapsed } = await result;
    expect(error).toMatchObject({ code: 'ERR_CLUSTER_MEMBER_LOST', slot: 1 });
    expect(elapsed).toBeLessThan(AT_ONCE);
    await app.waitUntilFull();
  });

  it('runOnce: another caller takes over from the one that is killed', async () => {
    const { mark } = app;
    const lost = app.special(0, 'doomedOnce').then(
      () => 'answered',
      () => 'lost',
    );
    const { pid } = await app.process.waitForReport('doomed-once', ({ slot }) => slot === 0, mark);
    const waiting = app.special(1, 'doomedOnce');
    // On its way there it may be refused by the one that is to be killed.
    await app.process.waitForReport('asks-once', ({ slot }) => slot === 1, mark);
    process.kill(pid, 'SIGKILL');
    expect(await waiting).toMatchObject({ value: { by: 1 } });
    expect(await lost).toBe('lost');
    // The killed worker's successor asks too, and gets the result there is.
    await app.waitUntilFull();
    expect(await app.special(0, 'doomedOnce')).toMatchObject({ value: { by: 1 } });
    await app.flush();
    expect(app.process.output.reports('doomed-once', mark).map(({ slot }) => slot)).toEqual([0, 1]);
  });
});
