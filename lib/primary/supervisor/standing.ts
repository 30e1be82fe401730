import { isServing } from './worker-pool.js';
import type { WorkerRecord } from './supervisor.types.js';

/** Whether the worker is here to stay, as far as anybody knows. */
export function isPresent({ leaving, exitDueAt }: WorkerRecord): boolean {
  return !leaving && exitDueAt === undefined;
}

/**
 * Whether the worker takes connections that the primary accepted. Where all leave it does so for as long as
 * clients are let in: it is told to leave only afterwards.
 */
export function takesConnections(worker: WorkerRecord): boolean {
  const { leaving, phase, readyAt, exitDueAt } = worker;
  const mayStillTake = leaving === 'stop' && phase === 'draining' && readyAt !== undefined && exitDueAt === undefined;
  return mayStillTake || isServing(worker);
}

/**
 * Whether an address is given up by the worker whose server was just closed: it was the last one there, and it stays.
 * Somebody else may have the port at once, as in a single process: such servers often only look for a free one.
 */
export function isReleased(listeningWorkers: ReadonlySet<number>, closer: WorkerRecord | undefined): boolean {
  return listeningWorkers.size === 0 && closer !== undefined && isPresent(closer);
}

/**
 * Whether an address that no worker's server listens on was given up by the application: everybody is up, so
 * nobody who may yet listen is on the way. Clients are then refused, as by any process that does not listen.
 */
export function isGivenUp(listeningWorkers: ReadonlySet<number>, workers: Iterable<WorkerRecord>): boolean {
  if (listeningWorkers.size > 0) return false;
  const present = [...workers].filter(isPresent);
  return present.length > 0 && present.every(({ readyAt }) => readyAt !== undefined);
}
