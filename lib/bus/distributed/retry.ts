import { elapsed, type Clock } from '../../platform/clock.js';

/** Between two tries at a broker that does not answer, in ms: from the first, doubling, to the second. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 2_000;

/** Doubles with each call, and is spread over the half below: many members must not come at the same moment. */
export class Backoff {
  private next = FIRST_DELAY;

  /** How long to wait now, in ms. */
  delay(): number {
    const longest = this.next;
    this.next = Math.min(this.next * 2, LONGEST_DELAY);
    return longest * (0.5 + Math.random() / 2);
  }
}

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
  const backoff = new Backoff();
  while (!isOver()) {
    try {
      return await work();
    } catch (error) {
      failed(error as Error);
    }
    await elapsed(clock, backoff.delay());
  }
  return undefined;
}
