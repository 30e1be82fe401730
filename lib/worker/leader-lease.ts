/**
 * A leader's own view of its lease: it counts from the moment the heartbeat left, so that it ends no
 * later than the primary believes.
 */
export class LeaderLease {
  private readonly sent = new Map<number, number>();
  private until = -Infinity;
  private currentTerm: number | undefined;
  private isOver = false;

  /** @param duration of a lease, in ms */
  constructor(private readonly duration: number) {}

  /** A heartbeat leaves at `now`. */
  heartbeat(seq: number, now: number): void {
    this.sent.set(seq, now);
  }

  /** The answer to heartbeat `seq`: the term this worker leads in, if it does. */
  answered(seq: number, term: number | undefined): void {
    const sentAt = this.sent.get(seq);
    for (const earlier of this.sent.keys()) if (earlier <= seq) this.sent.delete(earlier);
    if (sentAt === undefined || this.isOver) return;
    this.currentTerm = term;
    this.until = term === undefined ? -Infinity : sentAt + this.duration;
  }

  /** Gives the lease up for good: a drain begins, or nobody can be reached any more. */
  resign(): void {
    this.isOver = true;
    this.until = -Infinity;
    this.sent.clear();
  }

  /** The term this worker leads in at `now`, if it does. */
  term(now: number): number | undefined {
    return now < this.until ? this.currentTerm : undefined;
  }
}
