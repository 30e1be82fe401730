import { describe, expect, it } from '@jest/globals';
import { expectClosedDoor } from '../support/closed-door.js';
import { eventually, useApps } from '../support/index.js';
import { keepWaiting, startSupervised } from '../support/supervised-app.js';

const apps = useApps();

/** A terminal's Ctrl-C is SIGINT to the whole process group: primary, workers and what they started. */
describe('Ctrl-C', () => {
  it('under load: all that was sent before it is answered, exit 0, nothing is left', async () => {
    const app = await startSupervised(apps, { group: true });
    const loads = [true, false].map((keepAlive) => app.process.load('/', { keepAlive }));
    const late = app.process.load('/', { keepAlive: false });
    await Promise.all([...loads, late].map((load) => load.answered(50)));
    const slow = [await keepWaiting(app, 0, 1_000), await keepWaiting(app, 1, 1_000)];
    app.process.killGroup('SIGINT');
    const reports = loads.map((load) => load.finish());
    expect(await Promise.all(slow.map(({ outcome }) => outcome))).toEqual(['answered', 'answered']);
    for (const { sent, ok, failures } of await Promise.all(reports)) {
      expect({ ok, failures }).toEqual({ ok: sent, failures: {} });
    }
    expect(await app.process.waitForExit()).toEqual({ code: 0, signal: null });
    app.process.assertNothingLeft();
    const exits = app.workerEvents().filter(({ event }) => event === 'exit');
    expect(exits).toMatchObject([{ code: 0 }, { code: 0 }]);

    await expectClosedDoor(late);
  });

  it('the second ends everything at once, and is no error', async () => {
    const app = await startSupervised(apps, { group: true, cluster: { shutdown: { timeout: 60_000 } } });
    // The last words of a crash long ago have nothing to do with the end.
    const crashed = await app.member(1);
    await app.process.jsonFrom(1, '/crash/throw', { method: 'POST' });
    await app.waitForReplacement(crashed);
    await app.waitForWorkerEvent('exit', crashed.pid);

    const { mark } = app;
    const idle = await app.member(1);
    const slow = await keepWaiting(app, 0, 120_000);
    app.process.killGroup('SIGINT');
    const first = Date.now();
    await app.waitForWorkerEvent('exit', idle.pid, mark);
    // One that comes earlier is taken for the same Ctrl-C.
    await eventually(() => Date.now() - first > 1_100, { what: 'a second' });
    const second = Date.now();
    app.process.killGroup('SIGINT');
    expect(await app.process.waitForExit()).toEqual({ code: 130, signal: null });
    expect(Date.now() - second).toBeLessThan(3_000);
    expect(await slow.outcome).toBe('lost');
    app.process.assertNothingLeft();
    const said = app.process.output.lines.slice(mark);
    expect(said.filter((line) => /SIGINT while the cluster stops: it ends at once/.test(line))).toHaveLength(1);
    expect(said.filter((line) => /ERROR|thrown outside of a request/.test(line))).toEqual([]);
  });
});
