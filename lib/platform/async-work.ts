import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { type Clock, sleep } from './clock.js';

/** What ends by itself. Sockets and other handles may stay open for ever, so they are not waited for. */
const ENDS_BY_ITSELF =
  /^(?:PROMISE|Timeout|Immediate|TickObject|PROCESSWRAP|HTTPCLIENTREQUEST)$|REQ|(?:CONNECT|WRITE|SHUTDOWN|SEND|QUERY)WRAP$/;

/** How often the pending work is looked at, in ms. */
const LOOK_INTERVAL = 10;

/** Work that waits for a handle which was open before, such as the answer of a database, is not seen; it gets this long (ms). */
const UNSEEN_GRACE = 100;

interface Work {
  /** What `call` began and has not ended yet. */
  readonly pending: Map<number, object>;
}

/**
 * Calls each of `calls` and resolves when what they began is over. One that returns a promise is awaited. Of one that
 * returns nothing, such as `() => { flush().finally(() => process.exit(0)) }`, every promise, timer and request is
 * awaited that it began, directly or not. Timers that do not keep the process up do not count.
 *
 * Following them costs every promise of the process some time, so this is for a process that is about to end.
 *
 * @param isOver asked again and again; nothing is waited for any more once it says so
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
