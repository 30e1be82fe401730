/** A service manager's SIGTERM reaches every process of the service at once (systemd's KillMode=control-group). */
import { describe, expect, it } from '@jest/globals';
import { FixtureApp, useApps } from '../support/index.js';

const apps = useApps();

describe('SIGTERM to every process at once', () => {
  it('what is in flight is answered, exit 0', async () => {
    const app = await FixtureApp.start(apps, { group: true });
    const { mark } = app;
    const inFlight = [0, 1].map((slot) => app.process.jsonFrom(slot, '/slow?ms=1000'));
    for (const slot of [0, 1]) await app.process.waitForReport('slow', (report) => report['slot'] === slot, mark);
    app.process.killGroup('SIGTERM');
    expect((await Promise.all(inFlight)).map(({ slot }) => slot)).toEqual([0, 1]);
    expect(await app.process.waitForExit()).toEqual({ code: 0, signal: null });
    app.process.assertNothingLeft();
  });

  it('a worker that hears of it only after the primary has told it to leave cuts nothing', async () => {
    const app = await FixtureApp.start(apps, { group: true, cluster: { shutdown: { timeout: 20_000 } } });
    const [late, other] = await app.members();
    const { mark } = app;
    const inFlight = app.process.jsonFrom(late!.slot, '/slow?ms=6000');
    await app.process.waitForReport('slow', ({ pid }) => pid === late!.pid, mark);
    // As if it were busy: the primary's word and the signal wait for it together.
    process.kill(late!.pid, 'SIGSTOP');
    app.process.killGroup('SIGTERM');
    await app.waitForWorkerEvent('exit', other!.pid, mark);
    process.kill(late!.pid, 'SIGCONT');
    expect(await inFlight).toMatchObject({ pid: late!.pid });
    expect(await app.waitForWorkerEvent('exit', late!.pid, mark)).toMatchObject({ code: 0, signal: null });
    expect(await app.process.waitForExit()).toEqual({ code: 0, signal: null });
  });
});
