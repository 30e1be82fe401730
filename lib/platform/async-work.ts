import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { type Clock, sleep } from './clock.js';

/**
 * Types of async resources that end by themselves. Sockets and other handles may stay open forever, so they do not
 * count.
 */
const ENDS_BY_ITSELF =
  /^(?:PROMISE|Timeout|Immediate|TickObject|PROCESSWRAP|HTTPCLIENTREQUEST)$|REQ|(?:CONNECT|WRITE|SHUTDOWN|SEND|QUERY)WRAP$/;

/** Interval at which the pending work is checked, in ms. */
const LOOK_INTERVAL = 10;

/**
 * Time for work that cannot be observed, in ms: it waits for a handle that was already open, such as a database's
 * answer.
 */
const UNSEEN_GRACE = 100;

interface Work {
  /** What `call` has started and has not finished yet. */
  readonly pending: Map<number, object>;
}

/**
 * Calls each of `calls` and resolves when the work that they started is finished. If a call returns a promise, that is
 * awaited. If it returns nothing, such as `() => { flush().finally(() => process.exit(0)) }`, every promise, timer and
 * request that it started, directly or not, is awaited. Timers that do not keep the process alive do not count.
 *
 * Tracking makes every promise of the process slower, so this is only for a process that is about to end.
 *
 * @param isOver checked repeatedly; once it returns true, nothing is awaited any more
 */
export async function callAndFinish(
  calls: readonly (() => unknown)[],
  clock: Clock,
  isOver: () => boolean,
): Promise<void> {
  const context = new AsyncLocalStorage<Work>();
  const hook = createHook({
    init(id, type, _trigger, resource) {
      if (ENDS_BY_ITSELF.test(type)) context.getStore()?.pending.set(id, resource);
    },
    promiseResolve: ended,
    destroy: ended,
  });
  const works: Work[] = [];
  const promises: PromiseLike<unknown>[] = [];
  hook.enable();
  try {
    for (const call of calls) {
      const work: Work = { pending: new Map() };
      const returned = context.run(work, call);
      if (isThenable(returned)) promises.push(returned);
      else works.push(work);
    }
    await Promise.all(promises);
    await sleep(clock, UNSEEN_GRACE);
    while (!isOver() && works.some(isUnfinished)) await sleep(clock, LOOK_INTERVAL);
  } finally {
    hook.disable();
  }

  function ended(id: number): void {
    for (const { pending } of works) pending.delete(id);
    context.getStore()?.pending.delete(id);
  }
}

function isUnfinished({ pending }: Work): boolean {
  return [...pending.values()].some((resource) => {
    const { hasRef } = resource as { hasRef?: () => boolean };
    return hasRef === undefined || hasRef.call(resource);
  });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}
