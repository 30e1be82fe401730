import { fixture } from './environment.js';
import { FixtureApp, type FixtureOptions } from './fixture-app.js';
import type { Apps } from './use-apps.js';

/** Longer than any test, in ms. */
const FOR_EVER = 600_000;

/** Something asked of a worker that may not live to answer it. */
export interface Burden {
  readonly pid: number;
  readonly outcome: Promise<'answered' | 'lost'>;
}

/** The fixture app `test/e2e/fixtures/src/supervised`, ready: workers to which a test can do things. */
export function startSupervised(apps: Apps, options: FixtureOptions = {}): Promise<FixtureApp> {
  return FixtureApp.start(apps, { entry: fixture('supervised/main'), ...options });
}

/** Blocks the event loop of the worker in `slot`; resolves when it is blocked. */
export function keepBusy(app: FixtureApp, slot: number, ms = FOR_EVER, times = 1): Promise<Burden> {
  return burden(app, slot, 'busy', `/busy?ms=${ms}&times=${times}`, 'POST');
}

/** Has the worker in `slot` answer a request `ms` later; resolves when it has begun. */
export function keepWaiting(app: FixtureApp, slot: number, ms: number): Promise<Burden> {
  return burden(app, slot, 'slow', `/slow?ms=${ms}`, 'GET');
}

/** Has the worker in `slot` start a child process; resolves to the child's pid. */
export async function giveChild(app: FixtureApp, slot: number): Promise<number> {
  const { pid } = await app.process.jsonFrom(slot, '/child', { method: 'POST' });
  return pid as number;
}

async function burden(
  app: FixtureApp,
  slot: number,
  kind: string,
  path: string,
  method: 'GET' | 'POST',
): Promise<Burden> {
  const { mark } = app;
  const answer = app.process.jsonFrom(slot, path, { method, timeout: 60_000 });
  const outcome = answer.then(
    () => 'answered' as const,
    () => 'lost' as const,
  );
  const { pid } = await app.process.waitForReport(kind, (report) => report['slot'] === slot, mark);
  return { pid, outcome };
}
