import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { eventually, fixture, FixtureApp, type FixtureOptions, useApps } from '../support/index.js';

/* Who sends more than another one takes is slowed down or refused; no process grows, and nobody else suffers. */

const MB = 2 ** 20;
/** What a process may take more, in bytes: far less than what is sent, and more than what waits to be collected. */
const LITTLE = 200 * MB;
const apps = useApps();

async function start(cluster: FixtureOptions['cluster'] = {}) {
  const app = await FixtureApp.start(apps, {
    entry: fixture('delivery/main'),
    cluster: { workers: 3, messenger: { queueLimit: MB }, ...cluster },
    silentHttp: true,
  });
  return {
    app,
    /** Slot 0 broadcasts. */
    hose: (options: object) => app.call('primary', 'send', 0, 'hose', options),
    /** How many were taken and refused, once it has ended. */
    hosed: () =>
      app.process.output.wait(
        'report @hosed',
        (line) => (line.startsWith('@hosed ') ? JSON.parse(line.slice(7)) : undefined),
        0,
        50_000,
      ) as Promise<{ taken: number; refusals: Record<string, number> }>,
    sunk: async () => (await app.call('primary', 'map', 'sink.received')).value as { slot: number; received: number }[],
  };
}

/** Resident memory, in bytes. */
function memoryOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kilobytes![1]) * 1024;
}

/** How much memory each process takes at most above what it takes now, until `end`. */
async function growthUntil(pids: readonly number[], end: Promise<unknown>): Promise<number[]> {
  const before = pids.map(memoryOf);
  const most = [...before];
  let ended = false;
  void end.finally(() => (ended = true));
  while (!ended) {
    for (const [i, pid] of pids.entries()) most[i] = Math.max(most[i]!, memoryOf(pid));
    await setTimeout(50);
  }
  return most.map((bytes, i) => bytes - before[i]!);
}

describe('a sender that never stops', () => {
  it('and a receiver that is slow: the sender waits, nothing is lost or out of order, and nobody grows', async () => {
    const { app, hose, hosed, sunk } = await start();
    await app.call('primary', 'send', 2, 'sink.slow', 1);
    // 320 MB in all, of which 1 MB may wait.
    await hose({ messages: 10_000, size: 32 * 1024, awaited: true });
    const done = hosed();
    const growth = await growthUntil([app.process.pid, ...app.process.workers], done);
    expect(await done).toEqual({ taken: 10_000, refusals: {} });
    await eventually(async () => (await sunk()).every(({ received }) => received === 10_000), {
      what: 'everything to arrive',
    });
    expect(await sunk()).toMatchObject([0, 1, 2].map((slot) => ({ slot, inOrder: true })));
    for (const bytes of growth) expect(bytes).toBeLessThan(LITTLE);
  });

  it('and a receiver that stands still: it is left out, the others get all, and nobody grows', async () => {
    // With the watchdog's defaults: a healthy worker that gets no CPU time for 3 s would be left out too.
    const { app, hose, hosed, sunk } = await start();
    const { pid } = await app.member(2);
    await hose({ messages: 10_000, size: 32 * 1024, awaited: true });
    await app.process.waitForReport('hosing');
    process.kill(pid, 'SIGSTOP');
    const done = hosed();
    const growth = await growthUntil([app.process.pid, ...app.process.workers], done);
    expect(await done).toEqual({ taken: 10_000, refusals: {} });
    process.kill(pid, 'SIGCONT');
    await eventually(async () => (await app.members()).every(({ suspect }) => !suspect), { what: 'no suspect' });
    // What the bus took last may still be on its way.
    await eventually(async () => (await sunk()).slice(0, 2).every(({ received }) => received === 10_000), {
      what: 'everything to arrive in the others',
    });
    expect((await sunk())[2]!.received).toBeLessThan(10_000);
    await app.process.waitForLine(/broadcast\(s\) were not sent to slot 2/);
    for (const bytes of growth) expect(bytes).toBeLessThan(LITTLE);
  });

  it('bursts of large payloads: what finds no room is refused, what was taken arrives, and nobody grows', async () => {
    const { app, hose, hosed, sunk } = await start({ workers: 3, messenger: { queueLimit: 8 * MB } });
    await app.call('primary', 'send', 2, 'sink.slow', 20);
    await hose({ messages: 400, size: MB - 1_000, awaited: false });
    const done = hosed();
    const growth = await growthUntil([app.process.pid, ...app.process.workers], done);
    const { taken, refusals } = await done;
    expect(refusals).toEqual({ ERR_CLUSTER_BACKPRESSURE: 400 - taken });
    expect(taken).toBeGreaterThan(3);
    expect(taken).toBeLessThan(400);
    await eventually(async () => (await sunk()).every(({ received }) => received === taken), {
      what: `${taken} to arrive everywhere`,
    });
    // The sender itself made 400 MB of payloads.
    const [primary, ...workers] = growth;
    const others = workers.toSorted((a, b) => a - b).slice(0, 2);
    for (const bytes of [primary!, ...others]) expect(bytes).toBeLessThan(LITTLE);
  });
});
