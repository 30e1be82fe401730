import { copyOf, type Frame } from '../wire/frame.js';
import { ThrottledWarning } from '../../platform/throttled-warning.js';

/** How long the result of a task with a key is kept after the task ended, in ms. */
export const RESULT_KEPT = 5 * 60_000;

/** How many results are kept at most. */
const MAX_RESULTS = 10_000;

/** How many bytes of results are kept at most. */
const MAX_BYTES = 16 * 1024 * 1024;

/** The results of tasks with a key, for later calls with the same key. */
export class ResultCache {
  /** Sorted by the time at which the tasks ended, which is also the order in which they expire. */
  private readonly results = new Map<string, { readonly frame: Frame; readonly until: number }>();
  private bytes = 0;
  private readonly crowdedOut: ThrottledWarning;

  constructor(
    warn: (message: string) => void,
    private readonly now: () => number,
  ) {
    this.crowdedOut = new ThrottledWarning(
      warn,
      now,
      (count) =>
        `${count} result(s) of consume calls with an id were dropped before their ${RESULT_KEPT / 60_000} minutes: ` +
        `more than ${MAX_RESULTS} or ${MAX_BYTES} bytes were kept. Calls with these ids would run again. ` +
        `Return less, or use ids for fewer tasks.`,
    );
  }

  get(key: string): Frame | undefined {
    this.dropExpired();
    return this.results.get(key)?.frame;
  }

  keep(key: string, frame: Frame): void {
    this.dropExpired();
    this.drop(key);
    this.results.set(key, { frame: copyOf(frame), until: this.now() + RESULT_KEPT });
    this.bytes += frame.length;
    for (const oldest of this.results.keys()) {
      if (this.results.size <= MAX_RESULTS && this.bytes <= MAX_BYTES) break;
      this.drop(oldest);
      this.crowdedOut.due(oldest);
    }
  }

  private dropExpired(): void {
    const now = this.now();
    for (const [key, { until }] of this.results) {
      if (until > now) break;
      this.drop(key);
    }
  }

  private drop(key: string): void {
    const result = this.results.get(key);
    if (result === undefined) return;
    this.results.delete(key);
    this.bytes -= result.frame.length;
  }
}
