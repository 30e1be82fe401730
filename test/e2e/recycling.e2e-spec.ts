import { describe, expect, it } from '@jest/globals';
import { type FixtureApp, type Load, UNHURRIED, useApps } from '../support/index.js';
import { startSupervised } from '../support/supervised-app.js';

const apps = useApps();
const MB = 1024 * 1024;

/** Workers say soon how they are, and their limits are what the options say. */
const watchdog = { interval: 100 };
const jitter = 0;

function burdened(app: FixtureApp): Promise<Load[]> {
  const loads = [true, false].map((keepAlive) => app.process.load('/', { keepAlive, rate: 60 }));
  return Promise.all(loads.map((load) => load.answered(20).then(() => load)));
}

async function expectNothingLost(loads: readonly Load[]): Promise<void> {
  for (const load of loads) {
    await load.answered(20);
    const { sent, ok, failures } = await load.finish();
    expect({ ok, failures }).toEqual({ ok: sent, failures: {} });
  }
}

/** From `after` on there were never fewer ready workers than slots. */
function expectFullCapacity(app: FixtureApp, after: number): void {
  const ready = app.process.output.reports('ready', after);
  expect(ready.length).toBeGreaterThan(0);
  for (const { slots } of ready) {
    expect(slots.length).toBeGreaterThanOrEqual(app.size);
    expect(new Set(slots).size).toBe(app.size);
  }
}

/** When, by the primary's clock in ms, the worker was first seen ready. */
function readyAt(app: FixtureApp, pid: number): number {
  return app.process.output.reports('ready').find(({ pids }) => pids.includes(pid))!['at'] as number;
}

const limits = (app: FixtureApp, pattern: RegExp, after: number): number[] =>
  app.process.output.lines.slice(after).flatMap((line) => {
    const found = pattern.exec(line);
    return found ? [Number(found[1])] : [];
  });

describe('recycling under load: a worn-out worker leaves after its replacement is ready, and no request is lost', () => {
  it('by requests', async () => {
    const recycle = { requests: 150, jitter, minLifetime: 0 };
    const app = await startSupervised(apps, { cluster: { watchdog, shutdown: UNHURRIED, recycle } });
    const old = await app.members();
    const { mark } = app;
    const loads = await burdened(app);
    await app.waitUntilReplaced(old);
    await expectNothingLost(loads);
    expectFullCapacity(app, mark);
    const begun = limits(app, /is recycled: it has begun (\d+) requests/, mark);
    expect(begun.length).toBeGreaterThanOrEqual(2);
    expect(Math.min(...begun)).toBeGreaterThanOrEqual(recycle.requests);
    for (const { pid } of old) expect(await app.waitForWorkerEvent('exit', pid)).toMatchObject({ code: 0 });
  });

  it('by age', async () => {
    const recycle = { age: 2_000, jitter, minLifetime: 0 };
    const app = await startSupervised(apps, { cluster: { shutdown: UNHURRIED, recycle } });
    const old = await app.members();
    const { mark } = app;
    const loads = await burdened(app);
    await app.waitUntilReplaced(old);
    await expectNothingLost(loads);
    expectFullCapacity(app, mark);
    const ages = limits(app, /is recycled: it is (\d+) ms old/, 0);
    expect(ages.length).toBeGreaterThanOrEqual(2);
    expect(Math.min(...ages)).toBeGreaterThanOrEqual(recycle.age);
    for (const { pid } of old) expect(await app.waitForWorkerEvent('exit', pid)).toMatchObject({ code: 0 });
  });

  it('by memory: the worker that has too much, and no other', async () => {
    const recycle = { memory: 400 * MB, jitter, minLifetime: 0 };
    const app = await startSupervised(apps, { cluster: { watchdog, shutdown: UNHURRIED, recycle } });
    const [lean, fat] = await app.members();
    const { mark } = app;
    const loads = await burdened(app);
    await app.process.jsonFrom(1, `/hoard?bytes=${400 * MB}`, { method: 'POST' });
    await app.waitForReplacement(fat!);
    expect(await app.waitForWorkerEvent('exit', fat!.pid)).toMatchObject({ code: 0 });
    await expectNothingLost(loads);
    expectFullCapacity(app, mark);
    expect(await app.member(0)).toEqual(lean);
    const taken = limits(app, /is recycled: it takes (\d+) bytes of memory/, mark);
    expect(taken).toHaveLength(1);
    expect(taken[0]).toBeGreaterThanOrEqual(recycle.memory);
  });
});

describe('recycle.minLifetime', () => {
  it('keeps a worker that is over its limit until it is that old', async () => {
    const recycle = { requests: 1, jitter, minLifetime: 3_000 };
    const app = await startSupervised(apps, { cluster: { workers: 1, watchdog, recycle } });
    const [only] = await app.members();
    await app.process.json('/');
    const next = await app.waitForReplacement(only!);
    expect(readyAt(app, next.pid) - readyAt(app, only!.pid)).toBeGreaterThanOrEqual(recycle.minLifetime);
  });
});
