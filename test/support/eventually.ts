import { PATIENCE } from './patience.js';

/** Time between two looks where nothing else is said, in ms. */
const INTERVAL = 20;

export interface EventuallyOptions {
  /** Give up after this many ms. */
  readonly timeout?: number;
  /** Time between two looks, in ms. */
  readonly interval?: number;
  /** What was waited for; a function is asked when it did not happen. */
  readonly what: string | (() => string);
}

/**
 * Looks again and again until `probe` gives something other than undefined or false, and resolves to it.
 * A probe that throws has not seen it yet; the last error is the cause when the deadline passes.
 */
export async function eventually<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { timeout = PATIENCE, interval = INTERVAL, what }: EventuallyOptions,
): Promise<T> {
  const deadline = Date.now() + timeout;
  for (;;) {
    let cause: unknown;
    try {
      const seen = await probe();
      if (seen !== undefined && seen !== false) return seen;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline) {
      const text = typeof what === 'string' ? what : what();
      throw new Error(`not within ${timeout} ms: ${text}`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}
