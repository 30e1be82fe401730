import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { keepBusy, startSupervised } from '../support/supervised-app.js';
import {
  ascending,
  type ClusterMember,
  FixtureApp,
  type Report,
  selfSigned,
  UNHURRIED,
  useApps,
} from '../support/index.js';

const apps = useApps();

interface Replacement {
  readonly slot: number;
  readonly oldPid: number;
  readonly newPid: number;
}

const slotsAndPids = (members: readonly ClusterMember[]) => members.map(({ slot, pid }) => ({ slot, pid }));
const bySlot = (a: { slot: number }, b: { slot: number }) => a.slot - b.slot;

describe('reload()', () => {
  let app: FixtureApp;
  beforeAll(async () => {
    app = await FixtureApp.start(apps, { shared: true, cluster: { shutdown: UNHURRIED } });
  });

  it('called in the primary: every slot gets a new worker of the next generation, and the report says so', async () => {
    const old = await app.waitUntilFull();
    const report = await app.primary('/reload', {});
    const fresh = await app.waitUntilReplaced(old);
    expect(report.generation).toBe(old[0]!.generation + 1);
    expect(report.duration).toBeGreaterThan(0);
    const replaced: Replacement[] = [...report.replaced].sort(bySlot);
    expect(replaced.map(({ slot, oldPid }) => ({ slot, pid: oldPid }))).toEqual(slotsAndPids(old));
    expect(replaced.map(({ slot, newPid }) => ({ slot, pid: newPid }))).toEqual(slotsAndPids(fresh));
    expect(fresh.map(({ generation }) => generation)).toEqual(fresh.map(() => report.generation));
    expect(await app.identify(0)).toMatchObject({ pid: fresh[0]!.pid, generation: report.generation });
  });

  it.each([0, 1])(
    'called in the worker of slot %d: it goes last, and its response reaches the client',
    async (slot) => {
      const old = await app.waitUntilFull();
      const caller = await app.member(slot);
      const { mark } = app;
      const { value: report, error } = await app.reloadFrom(slot);
      expect(error).toBeUndefined();
      expect(report.generation).toBe(caller.generation + 1);
      expect([...report.replaced].sort(bySlot).map(({ oldPid }: Replacement) => oldPid)).toEqual(
        old.map(({ pid }) => pid),
      );
      for (const { pid } of old) await app.waitForWorkerEvent('exit', pid, mark);
      const pids = new Set(old.map(({ pid }) => pid));
      const gone = app.workerEvents(mark).filter(({ event, pid }) => event === 'exit' && pids.has(pid));
      expect(gone).toHaveLength(2);
      expect(gone.at(-1)).toMatchObject({ pid: caller.pid, code: 0 });
    },
  );

  it('called by everybody at once: they share one reload and get the same report', async () => {
    const old = await app.waitUntilFull();
    const [a, b, c] = await Promise.all([app.primary('/reload', {}), app.reloadFrom(0), app.reloadFrom(1)]);
    expect(a.generation).toBe(old[0]!.generation + 1);
    expect(b).toMatchObject({ value: a });
    expect(c).toMatchObject({ value: a });
    expect((await app.waitUntilReplaced(old)).map(({ generation }) => generation)).toEqual([
      a.generation,
      a.generation,
    ]);
  });

  it('progress$ tells how far it is, in the primary and in the workers', async () => {
    const old = await app.waitUntilFull();
    const { generation } = await app.primary('/reload', {});
    const isEnd = (one: Report) => one['slot'] === -1 && one['phase'] === 'done' && one['generation'] === generation;
    await app.process.waitForReport('progress', isEnd);
    const progress = app.process.output.reports('progress').filter((one) => one['generation'] === generation);
    const seen = progress.filter(({ slot }) => slot === -1);
    expect(seen[0]).toMatchObject({ phase: 'canary', generation, replaced: 0, total: 2 });
    expect(seen.map(({ phase }) => phase)).toContain('rolling');
    expect(seen.at(-1)).toMatchObject({ phase: 'done', generation, replaced: 2, total: 2 });
    const counts = seen.map(({ replaced }) => replaced);
    expect(counts).toEqual(ascending(counts));
    for (const { slot } of old) {
      expect(progress.find((one) => one['slot'] === slot)).toMatchObject({ phase: 'canary', generation });
    }
  });

  it.each(['SIGHUP', 'SIGUSR2'] as const)('%s to the primary reloads', async (signal) => {
    const old = await app.waitUntilFull();
    app.process.kill(signal);
    const fresh = await app.waitUntilReplaced(old);
    expect(fresh.map(({ generation }) => generation)).toEqual(old.map(({ generation }) => generation + 1));
  });

  it.each([true, false])('under load loses no request (keep-alive: %s)', async (keepAlive) => {
    await app.waitUntilFull();
    const load = app.process.load('/', { keepAlive });
    await load.answered(50);
    const { replaced } = await app.primary('/reload', {});
    await load.answered(50);
    const { sent, ok, failures } = await load.finish();
    expect(replaced).toHaveLength(2);
    expect({ ok, failures }).toEqual({ ok: sent, failures: {} });
  });
});

describe('after reload()', () => {
  it('every request is answered by the new build, however slow the old worker was to hear of it', async () => {
    const supervised = await startSupervised(apps, { cluster: { workers: 1 } });
    // Blocked for 300 ms again and again: the word to leave waits.
    const { outcome } = await keepBusy(supervised, 0, 300, 15);
    await supervised.primary('/reload', {});
    for (let n = 0; n < 6; n++) expect(await supervised.process.json('/')).toMatchObject({ generation: 2 });
    expect(await outcome).toBe('answered');
  });
});

describe('reload() under load of other servers', () => {
  it.each(['fastify', 'https'] as const)('%s loses no request either', async (main) => {
    const tls = selfSigned();
    const env = { TLS_KEY: tls.key, TLS_CERT: tls.cert };
    try {
      const protocol = main === 'https' ? 'https' : 'http';
      const app = await FixtureApp.start(apps, { main, env, protocol, cluster: { shutdown: UNHURRIED } });
      const loads = [true, false].map((keepAlive) => app.process.load('/', { keepAlive, rate: 50 }));
      await Promise.all(loads.map((load) => load.answered(25)));
      expect((await app.primary('/reload', {})).replaced).toHaveLength(2);
      await Promise.all(loads.map((load) => load.answered(25)));
      for (const load of loads) {
        const { sent, ok, failures } = await load.finish();
        expect({ ok, failures }).toEqual({ ok: sent, failures: {} });
      }
    } finally {
      tls.remove();
    }
  });
});

describe('reload() of a build that cannot start', () => {
  it('rejects with the reason, and every old worker goes on serving', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nestjs-cluster-reload-'));
    const BROKEN_BUILD = join(folder, 'broken');
    try {
      const app = await FixtureApp.start(apps, { env: { BROKEN_BUILD } });
      const old = await app.members();
      await writeFile(BROKEN_BUILD, '');
      const load = app.process.load('/', { keepAlive: true });
      await load.answered(20);
      const { error } = await app.reloadFrom(0);
      await load.answered(20);
      const { sent, ok, failures } = await load.finish();
      expect(error).toMatchObject({ code: 'ERR_CLUSTER_RELOAD_FAILED' });
      expect(error.message).toContain('this build cannot start');
      expect({ ok, failures }).toEqual({ ok: sent, failures: {} });
      expect(await app.members()).toEqual(old);

      await rm(BROKEN_BUILD);
      expect((await app.reloadFrom(1)).value.replaced).toHaveLength(2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
