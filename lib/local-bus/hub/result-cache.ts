import { copyOf, type Frame } from '../wire/frame.js';
import { ThrottledWarning } from '../../platform/throttled-warning.js';

/** A keyed task's result is kept this long after it ended, in ms. */
export const RESULT_KEPT = 5 * 60_000;

/** At most so many results are kept. */
const MAX_RESULTS = 10_000;

/** And at most so many bytes of them. */
const MAX_BYTES = 16 * 1024 * 1024;

/** The results of keyed tasks, for calls that come with the same key later on. */
export class ResultCache {
  /** In the order they ended, and so in the order they expire. */
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
