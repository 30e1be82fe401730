/** The zero-downtime restart that articles on node:cluster build by hand: one by one, the new listens before the old goes. */
import { describe, expect, it } from '@jest/globals';
import { ascending, FixtureApp, UNHURRIED, useApps } from '../support/index.js';

const apps = useApps();

describe('zero-downtime restart, one by one', () => {
  it('each new worker listens before the old one disconnects, one at a time, and no request fails', async () => {
    const app = await FixtureApp.start(apps, { cluster: { workers: 3, shutdown: UNHURRIED } });
    const load = app.process.load('/', { keepAlive: false });
    await load.answered(50);
    const { mark } = app;
    const report = await app.primary('/reload', {});
    await load.answered(50);
    const { sent, ok, failures } = await load.finish();
    expect({ ok, failures }).toEqual({ ok: sent, failures: {} });

    expect(ascending(report.replaced.map(({ slot }: { slot: number }) => slot))).toEqual([0, 1, 2]);
    for (const { oldPid } of report.replaced) await app.waitForWorkerEvent('exit', oldPid, mark);
    const events = app.workerEvents(mark);
    const at = (event: string, pid: number) => events.findIndex((one) => one['event'] === event && one['pid'] === pid);
    for (const { oldPid, newPid } of report.replaced as { oldPid: number; newPid: number }[]) {
      expect(at('listening', newPid)).toBeGreaterThanOrEqual(0);
      expect(at('listening', newPid)).toBeLessThan(at('disconnect', oldPid));
      expect(at('disconnect', oldPid)).toBeLessThanOrEqual(at('exit', oldPid));
      expect(events[at('exit', oldPid)]).toMatchObject({ code: 0, signal: null });
    }

    let living = 3;
    const living$ = events.map(({ event }) => (living += event === 'fork' ? 1 : event === 'exit' ? -1 : 0));
    expect(Math.max(...living$)).toBe(4);
    expect(Math.min(...living$)).toBe(3);
  });
});
