import { delayAfter } from '../platform/backoff.js';
import { sleep, type Clock } from '../platform/clock.js';

/** Delay between the first two attempts, in ms. */
const FIRST_DELAY = 100;

/**
 * Repeats `work` until it succeeds. Returns undefined once `isOver` is true.
 *
 * Only for work that may be done twice: an attempt that failed may still have had its effect.
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
