import { isServing } from './worker-pool.js';
import type { WorkerRecord } from './supervisor.types.js';

/** Whether the worker is neither leaving nor expected to exit. */
export function isPresent({ leaving, exitDueAt }: WorkerRecord): boolean {
  return !leaving && exitDueAt === undefined;
}

/**
 * Whether the worker takes connections that the primary accepted. When the whole cluster stops, workers still take them
 * while the primary accepts: they are told to leave only afterwards.
 */
export function takesConnections(worker: WorkerRecord): boolean {
  const { leaving, phase, readyAt, exitDueAt } = worker;
  const mayStillTake = leaving === 'stop' && phase === 'draining' && readyAt !== undefined && exitDueAt === undefined;
  return mayStillTake || isServing(worker);
}

/**
 * Whether the worker whose server was just closed has given up the address: no other worker listens there, and this one
 * stays. Another process may then take the port at once, as with a single process: such servers often only look for a
 * free port.
 */
export function isReleased(listeningWorkers: ReadonlySet<number>, closer: WorkerRecord | undefined): boolean {
  return listeningWorkers.size === 0 && closer !== undefined && isPresent(closer);
}

/**
 * Whether the application has given up the address: no worker listens there, and all workers that stay are ready, so
 * none of them may still begin to listen. Clients are then refused, as by any process that does not listen.
 */
export function isGivenUp(listeningWorkers: ReadonlySet<number>, workers: Iterable<WorkerRecord>): boolean {
  if (listeningWorkers.size > 0) return false;
  const present = [...workers].filter(isPresent);
  return present.length > 0 && present.every(({ readyAt }) => readyAt !== undefined);
}
