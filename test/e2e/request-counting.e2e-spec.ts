/** The examples of Node's cluster documentation that count requests in the primary, v0.6 and v22. */
import { describe, expect, it } from '@jest/globals';
import { eventually, fixture, useApps } from '../support/index.js';

const apps = useApps();

describe('request counting in the primary, by messages', () => {
  it.each([
    ['v0.6', "worker.on('message') on each forked worker"],
    ['v22', "@OnWorkerEvent('message') for all workers"],
  ])('as in Node %s: %s counts every request of every worker', async (version) => {
    const app = await apps.start({ entry: fixture('counting/main') });
    const workers = await app.waitUntilReady(2);
    const before = totals();
    for (let i = 0; i < 20; i++) await app.json('/');
    const byPid = (pid: number) => (totals()[pid] ?? 0) - (before[pid] ?? 0);
    const sum = () => workers.reduce((total, { pid }) => total + byPid(pid), 0);
    await eventually(() => sum() >= 20, { what: () => `20 counted requests, got ${sum()}` });
    expect(sum()).toBe(20);
    for (const { pid } of workers) expect(byPid(pid)).toBeGreaterThan(0);

    /** The last count the primary reported, by pid. */
    function totals(): Record<number, number> {
      return app.output.reports(`counted-${version}`).at(-1)?.['totals'] ?? {};
    }
  });
});
