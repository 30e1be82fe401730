/** At most one warning of a kind in this many ms. */
const QUIET = 10_000;

/** A warning that may be due thousands of times a second: said at once, then at most every ten seconds with a count. */
export class ThrottledWarning {
  /** How often it was due, ever. */
  count = 0;
  private said = 0;
  private saidAt = -Infinity;

  constructor(
    private readonly warn: (message: string) => void,
    private readonly now: () => number,
    /** The text for so many occurrences since it was last said. */
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
