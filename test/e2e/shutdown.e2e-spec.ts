import { describe, expect, it } from '@jest/globals';
import { eventually, fixture, FixtureApp, useApps } from '../support/index.js';

const apps = useApps();

describe('graceful stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: requests in flight are answered, exit 0, nothing is left',
    async (signal) => {
      const app = await FixtureApp.start(apps);
      const { mark } = app;
      const inFlight = [0, 1].map((slot) => app.process.jsonFrom(slot, '/slow?ms=600'));
      for (const slot of [0, 1]) await app.process.waitForReport('slow', (report) => report['slot'] === slot, mark);
      const exit = app.process.stop(signal);
      expect((await Promise.all(inFlight)).map(({ slot }) => slot)).toEqual([0, 1]);
      expect(await exit).toEqual({ code: 0, signal: null });
      const exits = app.workerEvents(mark).filter(({ event }) => event === 'exit');
      expect(exits.map(({ code, signal: by }) => ({ code, by }))).toEqual([
        { code: 0, by: null },
        { code: 0, by: null },
      ]);
    },
  );

  it("a terminal's Ctrl-C, which reaches every process: the same", async () => {
    const app = await FixtureApp.start(apps, { group: true });
    const { mark } = app;
    const inFlight = app.process.jsonFrom(1, '/slow?ms=600');
    await app.process.waitForReport('slow', ({ slot }) => slot === 1, mark);
    app.process.killGroup('SIGINT');
    expect(await inFlight).toMatchObject({ slot: 1 });
    expect(await app.process.waitForExit()).toEqual({ code: 0, signal: null });
    app.process.assertNothingLeft();
  });

  it('a task in flight is finished, and its caller gets the result', async () => {
    const app = await FixtureApp.start(apps);
    const { mark } = app;
    const inFlight = app.call(0, 'consume', 'job', { ms: 600 });
    await app.process.waitForReport('job', () => true, mark);
    const exit = app.process.stop();
    expect((await inFlight).value).toMatchObject({ attempt: 1 });
    expect(await exit).toEqual({ code: 0, signal: null });
  });

  it('a second signal does not wait for what is still in flight', async () => {
    const app = await FixtureApp.start(apps, { cluster: { shutdown: { timeout: 60_000 } } });
    const [busy, idle] = await app.members();
    const { mark } = app;
    const lost = app.process.jsonFrom(busy!.slot, '/slow?ms=120000', { timeout: 60_000 }).catch(() => 'lost');
    await app.process.waitForReport('slow', ({ pid }) => pid === busy!.pid, mark);
    // What comes within a second of the first is the same event.
    await eventually(
      () => {
        if (!app.process.exit) app.process.kill('SIGTERM');
        return (
          app.process.exit && app.workerEvents(mark).some(({ pid, event }) => pid === idle!.pid && event === 'exit')
        );
      },
      { what: 'the end' },
    );
    app.process.assertNothingLeft();
    expect(await lost).toBe('lost');
  });
});

describe('a call after shutdown', () => {
  it.each([
    ['a worker', {}],
    ['a standalone process', { enabled: false }],
  ])('is refused with a code in %s that has closed its app', async (_, cluster) => {
    const app = await apps.start({ entry: fixture('closing/main'), cluster });
    await app.waitForReport('done');
    const calls = app.output.reports('after-close').map(({ call, code }) => ({ call, code }));
    const refused = ['broadcast', 'consume', 'map', 'mapSettled', 'send', 'runOnce'];
    expect(calls).toEqual(refused.map((call) => ({ call, code: 'ERR_CLUSTER_NOT_CONNECTED' })));
  });
});
