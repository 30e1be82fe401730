import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';

const NAME = 'nestjs-cluster';
const MANUAL = { requireManualDestroy: true };

/** Holds the context in which this package was imported, which is not that of any request. */
const root = new AsyncResource(NAME, MANUAL);

/**
 * Calls `work` outside of every AsyncLocalStorage context that was entered after the package was imported.
 *
 * Queues, timers and sockets serve several callers, and Node runs their callbacks in the context of the caller that
 * happened to start them. Without this, a handler would see the user or the transaction of an unrelated request.
 */
export function inRootContext<Result>(work: () => Result): Result {
  return root.runInAsyncScope(inNewScope, undefined, work) as Result;
}

/** Uses a new scope, because `enterWith` marks the scope in which it is called, and before Node 24 forever. */
function inNewScope(work: () => unknown): unknown {
  return new AsyncResource(NAME, MANUAL).runInAsyncScope(work);
}

/** Calls a function in the context in which the runner was created. */
export type ContextRunner = <Result>(work: () => Result) => Result;

/** Returns a runner for the caller's context. */
export function currentContext(): ContextRunner {
  return AsyncLocalStorage.snapshot();
}
