import { describe, expect, it } from '@jest/globals';
import { type ClusterMember, eventually, fixture, type FixtureApp, isRunning, useApps } from '../support/index.js';
import { CAN_REUSE_PORT } from '../support/listen-modes.js';
import { keepBusy, startSupervised } from '../support/supervised-app.js';

const apps = useApps();

const listen = 'reuse-port';

/** So many deaths in a minute are otherwise a crash loop. */
const restart = { minDelay: 10, maxDelay: 100, maxCrashes: 1_000 };

/** More than one at a time for each worker, so that every socket has its turn. */
const RATE = 100;

/** Who has a connection in a dead or silent process: the test's own. Nobody else may notice. */
const NOBODY = {};

async function killAll(app: FixtureApp): Promise<ClusterMember[]> {
  const members = await app.waitUntilFull();
  for (const { pid } of members) process.kill(pid, 'SIGKILL');
  await eventually(() => members.every(({ pid }) => !isRunning(pid)), { what: 'the end of all workers' });
  return members;
}

const describeIf = CAN_REUSE_PORT ? describe : describe.skip;

describeIf("listen: 'reuse-port': a slot's socket outlives its worker", () => {
  it.each([
    [3, true],
    [5, false],
  ])('%d reloads under load: no request fails (keep-alive: %s)', async (rounds, keepAlive) => {
    const app = await startSupervised(apps, { cluster: { listen, shutdown: { timeout: 30_000 } } });
    const load = app.process.load('/', { keepAlive, rate: RATE });
    await load.answered(50);
    for (let round = 0; round < rounds; round += 1) await app.primary('/reload', {});
    await load.answered(50);
    const { sent, ok, failures } = await load.finish();
    expect({ ok, failures }).toEqual({ ok: sent, failures: NOBODY });
  });

  it('a stopped worker: whoever waits at its socket is served by another one, long before it is killed', async () => {
    const watchdog = { interval: 200, suspectAfter: 1_000, killAfter: 600_000 };
    const app = await startSupervised(apps, { cluster: { workers: 3, listen, watchdog, restart } });
    const { pid } = await app.member(1);
    process.kill(pid, 'SIGSTOP');
    const load = app.process.load('/', { keepAlive: false, rate: RATE });
    await load.answered(300);
    const { sent, ok, failures } = await load.finish();
    expect({ ok, failures }).toEqual({ ok: sent, failures: NOBODY });
    expect(await app.members()).toContainEqual(expect.objectContaining({ pid, state: 'suspect', suspect: true }));

    process.kill(pid, 'SIGCONT');
    await eventually(async () => !(await app.member(1)).suspect, { what: 'the end of the suspicion' });
    expect(await app.identify(1)).toMatchObject({ pid });
  });

  it.each([0, 1])('a blocked worker in slot %d: nobody else fails, and it serves again in the end', async (slot) => {
    const watchdog = { interval: 200, suspectAfter: 1_000, killAfter: 600_000 };
    const app = await startSupervised(apps, { cluster: { listen, watchdog, restart } });
    const blocked = await keepBusy(app, slot, 5_000);
    const load = app.process.load('/', { keepAlive: false, rate: RATE });
    await load.answered(300);
    expect(await blocked.outcome).toBe('answered');
    const { sent, ok, failures } = await load.finish();
    expect({ ok, failures }).toEqual({ ok: sent, failures: NOBODY });
    expect(await app.identify(slot)).toMatchObject({ pid: blocked.pid });
  });

  it('a killed worker: nobody is refused while it is away, and the one that comes has its socket', async () => {
    const app = await startSupervised(apps, {
      cluster: { listen, restart: { ...restart, minDelay: 1_000, maxDelay: 1_000 } },
    });
    const victim = await app.member(0);
    process.kill(victim.pid, 'SIGKILL');
    await eventually(() => !isRunning(victim.pid), { what: 'its end' });
    const load = app.process.load('/', { keepAlive: false, rate: RATE });
    await app.waitForReplacement(victim);
    const { sent, ok, failures } = await load.finish();
    expect({ ok, failures }).toEqual({ ok: sent, failures: NOBODY });
    expect(await app.identify(0)).not.toMatchObject({ pid: victim.pid });
  });

  it('all workers killed at once, 10 times: nobody is refused, who comes meanwhile waits for the boot', async () => {
    const app = await startSupervised(apps, { cluster: { listen, restart } });
    for (let round = 0; round < 10; round += 1) {
      await killAll(app);
      const load = app.process.load('/', { keepAlive: false, rate: RATE });
      await load.answered(50);
      const { sent, ok, failures } = await load.finish();
      expect({ ok, failures }).toEqual({ ok: sent, failures: NOBODY });
    }
  });

  it('a single worker killed: the same', async () => {
    const app = await startSupervised(apps, { cluster: { workers: 1, listen, restart } });
    await killAll(app);
    const load = app.process.load('/', { keepAlive: false, rate: RATE });
    await load.answered(50);
    const { sent, ok, failures } = await load.finish();
    expect({ ok, failures }).toEqual({ ok: sent, failures: NOBODY });
  });

  it('scaled down and up again under load: nobody is reset, and every slot answers', async () => {
    const app = await startSupervised(apps, { cluster: { workers: 4, listen, shutdown: { timeout: 30_000 } } });
    const load = app.process.load('/', { keepAlive: false, rate: 2 * RATE });
    await load.answered(50);
    for (const workers of [1, 3, 2, 4]) {
      await app.primary('/scale', { workers });
      await app.waitUntilFull(workers);
      await load.answered(100);
    }
    const { sent, ok, failures } = await load.finish();
    expect({ ok, failures }).toEqual({ ok: sent, failures: NOBODY });
    expect((await app.process.waitUntilReady(4)).map(({ slot }) => slot)).toEqual([0, 1, 2, 3]);
  });
});

describeIf("listen: 'auto'", () => {
  it("is 'reuse-port' here, and the log says so", async () => {
    const app = await startSupervised(apps);
    const [line] = await app.process.waitForLine(/LOG \[Cluster\] listen: .*/);
    expect(line).toMatch(/'reuse-port', .*binds several sockets to one port/);
  });
});

(CAN_REUSE_PORT ? describe.skip : describe)("listen: 'auto' where no two sockets can share a port", () => {
  it("is 'round-robin', and the log says why", async () => {
    const app = await startSupervised(apps);
    const [line] = await app.process.waitForLine(/LOG \[Cluster\] listen: .*/);
    expect(line).toMatch(/'round-robin', .*cannot bind two sockets to one port/);
  });

  it("'reuse-port' is refused with the remedy", async () => {
    const app = await apps.start({ entry: fixture('supervised/main'), cluster: { listen } });
    expect(await app.waitForExit()).toMatchObject({ code: 1 });
    expect(app.output.text).toMatch(/listen is 'reuse-port', and Node .* cannot bind two sockets to one port/);
  });
});
