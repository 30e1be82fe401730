import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';

const NAME = 'nestjs-cluster';
const MANUAL = { requireManualDestroy: true };

/** Carries what was in force when this package was imported: no request's context. */
const root = new AsyncResource(NAME, MANUAL);

/**
 * Calls `work` outside of every AsyncLocalStorage context that somebody has entered since the package was imported.
 *
 * Queues, timers and sockets serve several callers, and Node runs what they bring in the context of whoever happened to
 * start them: without this, a handler would see the user or the transaction of a request it has nothing to do with.
 */
export function inRootContext<Result>(work: () => Result): Result {
  return root.runInAsyncScope(inNewScope, undefined, work) as Result;
}

/** A scope of its own, because `enterWith` marks the scope that it is called in, and before Node 24 for ever. */
function inNewScope(work: () => unknown): unknown {
  return new AsyncResource(NAME, MANUAL).runInAsyncScope(work);
}

/** Calls what it is given in the context in which it was made. */
export type ContextRunner = <Result>(work: () => Result) => Result;

/** Remembers the caller's context. */
export function currentContext(): ContextRunner {
  return AsyncLocalStorage.snapshot();
}
