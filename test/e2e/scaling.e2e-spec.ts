import { beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, type FixtureApp, type Report, UNHURRIED, useApps } from '../support/index.js';
import { startSupervised } from '../support/supervised-app.js';

const apps = useApps();

describe('scaling under load', () => {
  it.each([true, false])('up, down to one and up again: no request is lost (keep-alive: %s)', async (keepAlive) => {
    const app = await startSupervised(apps, { cluster: { shutdown: UNHURRIED } });
    const load = app.process.load('/', { keepAlive });
    await load.answered(50);
    for (const workers of [4, 1, 3]) {
      const { mark } = app;
      const leaving = (await app.members()).slice(workers);
      await app.primary('/scale', { workers });
      await app.waitUntilFull(workers);
      await load.answered(50);
      // Who leaves has left in good order, its connections included.
      for (const { pid } of leaving) expect(await app.waitForWorkerEvent('exit', pid, mark)).toMatchObject({ code: 0 });
    }
    const { sent, ok, failures } = await load.finish();
    expect({ ok, failures }).toEqual({ ok: sent, failures: {} });
  });
});

describe('scaling down while workers boot', () => {
  it('they are gone at once, and no request is lost with them', async () => {
    const app = await startSupervised(apps, { cluster: { shutdown: { timeout: 60_000 } } });
    const before = await app.members();
    const load = app.process.load('/', { keepAlive: false, rate: 200 });
    await load.answered(50);
    const { mark } = app;
    const up = app.primary('/scale', { workers: 6 });
    const isNew = (one: Report) => !before.some(({ pid }) => pid === one['pid']);
    await app.process.waitForReport('worker-event', (one) => one['event'] === 'online' && isNew(one), mark);
    await app.primary('/scale', { workers: 2 });
    await up;
    const exits = () => app.workerEvents(mark).filter(({ event }) => event === 'exit');
    await eventually(() => exits().length === 4, {
      what: () => `the end of four workers: ${exits().length}\n--- output\n${app.process.output.text}`,
    });
    expect(exits()).toMatchObject(Array.from({ length: 4 }, () => ({ code: 0, signal: null })));
    await load.answered(50);
    const { sent, ok, failures } = await load.finish();
    expect({ ok, failures }).toEqual({ ok: sent, failures: {} });
    expect(await app.waitUntilFull()).toEqual(before);
  });
});

describe('scaling by signal', () => {
  it('SIGTTIN starts one more, SIGTTOU lets the highest slot go; the last worker stays, and the log says why', async () => {
    const app = await startSupervised(apps);
    const [first] = await app.members();
    app.process.kill('SIGTTIN');
    expect((await app.waitUntilFull(3)).map(({ slot }) => slot)).toEqual([0, 1, 2]);
    app.process.kill('SIGTTOU');
    expect((await app.waitUntilFull(2)).map(({ slot }) => slot)).toEqual([0, 1]);
    app.process.kill('SIGTTOU');
    expect(await app.waitUntilFull(1)).toEqual([first]);
    app.process.kill('SIGTTOU');
    await app.process.waitForLine(/WARN .*scale\(0\): expected a whole number from 1/);
    expect(await app.waitUntilFull(1)).toEqual([first]);
  });
});

describe('scale(n) is refused, by name', () => {
  let app: FixtureApp;
  beforeAll(async () => {
    app = await startSupervised(apps, { shared: true });
  });

  it.each([0, -1, 1.5, 100_000])('scale(%d), called in the primary and in a worker', async (workers) => {
    const before = await app.waitUntilFull();
    const refused = {
      code: 'ERR_CLUSTER_REQUEST_REFUSED',
      message: expect.stringMatching(new RegExp(`^scale\\(${workers}\\): expected a whole number from 1 to \\d+`)),
    };
    await expect(app.primary('/scale', { workers })).rejects.toMatchObject(refused);
    const { error } = await app.process.jsonFrom(0, `/scale/${workers}`, { method: 'POST' });
    expect(error).toMatchObject(refused);
    expect(await app.members()).toEqual(before);
  });
});

describe('while the cluster stops', () => {
  it('a reload and scaling are refused with the reason; by signal, the log has it', async () => {
    const app = await startSupervised(apps, { cluster: { shutdown: { delay: 2_000 } } });
    app.process.kill('SIGTERM');
    await app.process.waitForLine(/SIGTERM: the cluster stops/);

    const noReload = { code: 'ERR_CLUSTER_RELOAD_FAILED', message: 'Reload refused: the cluster is stopping.' };
    await expect(app.primary('/reload', {})).rejects.toMatchObject(noReload);
    expect((await app.reloadFrom(0)).error).toMatchObject(noReload);

    const noScale = { code: 'ERR_CLUSTER_REQUEST_REFUSED', message: 'scale(3): the cluster is stopping.' };
    await expect(app.primary('/scale', { workers: 3 })).rejects.toMatchObject(noScale);
    expect((await app.process.jsonFrom(1, '/scale/3', { method: 'POST' })).error).toMatchObject(noScale);

    const { mark } = app;
    app.process.kill('SIGHUP');
    await app.process.waitForLine(/WARN .*Reload refused: the cluster is stopping/, mark);
    expect(await app.process.waitForExit()).toEqual({ code: 0, signal: null });
    app.process.assertNothingLeft();
    expect(app.workerEvents().filter(({ event }) => event === 'fork')).toHaveLength(2);
  });
});
