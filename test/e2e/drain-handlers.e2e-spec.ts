/** Handlers of messages that run when their worker is drained. */
import { describe, expect, it } from '@jest/globals';
import { ascending, type ClusterMember, drainingApp, type FixtureApp, type Report, useApps } from '../support/index.js';

const apps = useApps();

/** How long the handlers go on in the drain, in ms: longer than all else that it waits for. */
const LONG = 1_500;

/** The calls, each with the handlers it runs in two workers. */
const CALLS: [string, number, ...unknown[]][] = [
  ['consume', 1, 'long.task', LONG],
  ['send', 1, 0, 'long.event', LONG],
  ['map', 2, 'long.event', LONG],
];

const valuesOf = (value: unknown): Report[] => (Array.isArray(value) ? value : [value]) as Report[];

const pidsOf = (all: readonly (Report | ClusterMember)[]) => all.map(({ pid }) => pid as number);

/** The handlers that have begun, when all of them have. */
async function begun(app: FixtureApp, count: number, mark: number): Promise<Report[]> {
  await app.process.waitForReport('handler-begun', () => reports().length >= count, mark);
  return reports();

  function reports(): Report[] {
    return app.process.output.reports('handler-begun', mark);
  }
}

/** Each handler was done before its app was closed under it, and its worker's end was orderly. */
async function expectDoneBeforeClose(app: FixtureApp, running: readonly Report[], mark: number): Promise<void> {
  for (const { pid } of running) {
    expect(await app.waitForWorkerEvent('exit', pid, mark)).toMatchObject({ code: 0, signal: null });
    const story = app.process.output.lines.slice(mark).filter((line) => line.includes(`"pid":${pid}`));
    const at = (pattern: RegExp) => story.findIndex((line) => pattern.test(line));
    expect(at(/^@handler-done/)).toBeGreaterThanOrEqual(0);
    expect(at(/^@handler-done/)).toBeLessThan(at(/^@hook .*"onModuleDestroy"/));
    expect(at(/^@hook .*"onModuleDestroy"/)).toBeLessThan(at(/^@worker-event .*"event":"exit"/));
  }
}

it('at SIGTERM a request in flight still reaches the other workers, by consume and by map', async () => {
  const app = await drainingApp(apps, 'express');
  const { mark } = app;
  const inFlight = [0, 1].map((slot) => app.process.jsonFrom(slot, `/late-calls?ms=${LONG}`));
  await app.process.waitForReport('late-calls', ({ slot }) => slot === 0, mark);
  await app.process.waitForReport('late-calls', ({ slot }) => slot === 1, mark);
  const exit = app.process.stop();
  for (const { events } of await Promise.all(inFlight)) expect(events.map(({ slot }: Report) => slot)).toEqual([0, 1]);
  expect(await exit).toEqual({ code: 0, signal: null });
});

describe.each(CALLS)("a handler of %s that runs when its worker's drain begins", (method, handlers, ...args) => {
  // A reload goes from slot 0 on: the caller in slot 1 is drained while, or after, it waits.
  it.each(['primary', 1] as const)('is finished in a reload, and the caller (%s) gets its value', async (caller) => {
    const app = await drainingApp(apps, 'express');
    const old = await app.members();
    const { mark } = app;
    const call = app.call(caller, method, ...args);
    const running = await begun(app, handlers, mark);
    await app.primary('/reload', {});
    const { value, error } = await call;
    expect(error).toBeUndefined();
    expect(ascending(pidsOf(valuesOf(value)))).toEqual(ascending(pidsOf(running)));
    expect(pidsOf(old)).toEqual(expect.arrayContaining(pidsOf(running)));
    await expectDoneBeforeClose(app, running, mark);
    // It was not run anew by the next generation.
    expect(app.process.output.reports('handler-begun', mark)).toHaveLength(handlers);
  });

  it('is finished at SIGTERM, and the worker that called gets its value', async () => {
    const app = await drainingApp(apps, 'express');
    const { mark } = app;
    const call = app.call(1, method, ...args);
    const running = await begun(app, handlers, mark);
    const exit = app.process.stop();
    const { value, error } = await call;
    expect(error).toBeUndefined();
    expect(valuesOf(value)).toHaveLength(handlers);
    expect(await exit).toEqual({ code: 0, signal: null });
    await expectDoneBeforeClose(app, running, mark);
  });
});
