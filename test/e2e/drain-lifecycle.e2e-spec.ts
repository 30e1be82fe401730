/** Nest's hooks of the end in a leaving worker, with the user's own `enableShutdownHooks()`. */
import { describe, expect, it } from '@jest/globals';
import { drainingApp, type FixtureApp, UNHURRIED, useApps } from '../support/index.js';

const HOOKS = ['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown'];
const SHUTDOWN_HOOKS = { SHUTDOWN_HOOKS: '1' };

const apps = useApps();

/** Each hook ran once and in order, when every request was answered, and none came after the first of them. */
function expectOrderlyEnd(app: FixtureApp, pid: number): void {
  const hooks = app.process.output.reports('hook').filter((report) => report['pid'] === pid);
  expect(hooks.map(({ hook }) => hook)).toEqual(HOOKS);
  expect(hooks.map(({ running }) => running)).toEqual([0, 0, 0]);
  const { begun } = hooks[0]!;
  expect(begun).toBeGreaterThan(0);
  expect(hooks.map((hook) => hook['begun'])).toEqual([begun, begun, begun]);
}

describe.each(['express', 'fastify'] as const)('enableShutdownHooks() in a worker of %s', (server) => {
  it.each([true, false])(
    'in a reload under load: no request is lost, and the hooks run after the last (keep-alive: %s)',
    async (keepAlive) => {
      const app = await drainingApp(apps, server, { env: SHUTDOWN_HOOKS, cluster: { shutdown: UNHURRIED } });
      const old = await app.members();
      const load = app.process.load('/slow?ms=30', { keepAlive, rate: 50 });
      await load.answered(50);
      const { mark } = app;
      await app.primary('/reload', {});
      for (const { pid } of old) {
        expect(await app.waitForWorkerEvent('exit', pid, mark)).toMatchObject({ code: 0, signal: null });
      }
      await load.answered(50);
      const { sent, ok, failures } = await load.finish();
      expect({ ok, failures }).toEqual({ ok: sent, failures: {} });
      for (const { pid } of old) expectOrderlyEnd(app, pid);
      // Those of the new generation have not ended.
      expect(app.process.output.reports('hook')).toHaveLength(old.length * HOOKS.length);
    },
  );

  it('at SIGTERM of the primary: what is in flight is answered, then the hooks run, in each worker', async () => {
    const app = await drainingApp(apps, server, { env: SHUTDOWN_HOOKS });
    const workers = await app.members();
    const { mark } = app;
    const inFlight = workers.map(({ slot }) => app.process.jsonFrom(slot, '/long?ms=800'));
    for (const { slot } of workers) await app.process.waitForReport('long', (report) => report['slot'] === slot, mark);
    const exit = app.process.stop();
    expect((await Promise.all(inFlight)).map(({ pid }) => pid)).toEqual(workers.map(({ pid }) => pid));
    expect(await exit).toEqual({ code: 0, signal: null });
    for (const { pid } of workers) expectOrderlyEnd(app, pid);
  });
});

describe('enableShutdownHooks() and a signal that reaches every process', () => {
  it.each([
    ['SIGINT', "a terminal's Ctrl-C"],
    ['SIGTERM', "a service's stop by systemd"],
  ] as const)(
    '%s, %s: what is in flight is answered, then the hooks run, once in each worker',
    async (signal, _who) => {
      const app = await drainingApp(apps, 'express', { env: SHUTDOWN_HOOKS, group: true });
      const workers = await app.members();
      const { mark } = app;
      const inFlight = workers.map(({ slot }) => app.process.jsonFrom(slot, '/long?ms=800'));
      for (const { slot } of workers)
        await app.process.waitForReport('long', (report) => report['slot'] === slot, mark);
      // A busy worker finds the signal and the primary's word at the same time.
      const blocked = workers.map(({ slot }) => app.process.jsonFrom(slot, '/block?ms=500'));
      for (const { slot } of workers)
        await app.process.waitForReport('block', (report) => report['slot'] === slot, mark);
      app.process.killGroup(signal);
      expect((await Promise.all(inFlight)).map(({ pid }) => pid)).toEqual(workers.map(({ pid }) => pid));
      expect((await Promise.all(blocked)).map(({ pid }) => pid)).toEqual(workers.map(({ pid }) => pid));
      expect(await app.process.waitForExit()).toEqual({ code: 0, signal: null });
      app.process.assertNothingLeft();
      for (const { pid } of workers) expectOrderlyEnd(app, pid);
    },
  );
});
