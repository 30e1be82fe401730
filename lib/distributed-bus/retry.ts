import { delayAfter } from '../platform/backoff.js';
import { sleep, type Clock } from '../platform/clock.js';

/** Between the first two tries at a broker that does not answer, in ms. */
const FIRST_DELAY = 100;

/**
 * Does `work` again and again until it succeeds; undefined once `isOver` says so.
 *
 * For what may be done twice only: where it failed it may have been done.
 */
export async function untilDone<T>(
  clock: Clock,
  isOver: () => boolean,
  work: () => Promise<T>,
  failed: (error: Error) => void = () => undefined,
): Promise<T | undefined> {
  for (let tries = 1; !isOver(); tries++) {
    try {
      return await work();
    } catch (error) {
      failed(error as Error);
    }
    await sleep(clock, delayAfter(tries, FIRST_DELAY));
  }
  return undefined;
}
