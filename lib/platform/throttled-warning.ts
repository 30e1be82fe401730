/** The shortest interval between two warnings of a kind, in ms. */
const QUIET = 10_000;

/**
 * A warning that may be due thousands of times a second. It is logged at once, then with a count at most every 10 s.
 */
export class ThrottledWarning {
  /** How many times it was due in total. */
  count = 0;
  private said = 0;
  private saidAt = -Infinity;

  constructor(
    private readonly warn: (message: string) => void,
    private readonly now: () => number,
    /** Creates the text; `count` is the number of occurrences since the last warning. */
    private readonly text: (count: number, detail: string) => string,
  ) {}

  due(detail: string): void {
    this.count++;
    const now = this.now();
    if (now - this.saidAt < QUIET) return;
    this.saidAt = now;
    const since = this.count - this.said;
    this.said = this.count;
    this.warn(this.text(since, detail));
  }
}
