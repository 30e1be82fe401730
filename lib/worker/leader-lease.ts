/**
 * A leader's own view of its lease. The lease counts from the time when the heartbeat was sent, so it ends no later
 * than the primary assumes.
 */
export class LeaderLease {
  private readonly sent = new Map<number, number>();
  private until = -Infinity;
  private currentTerm: number | undefined;
  private isOver = false;

  /** @param duration the duration of a lease, in ms */
  constructor(private readonly duration: number) {}

  /** A heartbeat is sent at `now`. */
  heartbeat(seq: number, now: number): void {
    this.sent.set(seq, now);
  }

  /**
   * The answer to heartbeat `seq` has arrived. `term` is the term in which this worker leads; undefined if it does not.
   */
  answered(seq: number, term: number | undefined): void {
    const sentAt = this.sent.get(seq);
    for (const earlier of this.sent.keys()) if (earlier <= seq) this.sent.delete(earlier);
    if (sentAt === undefined || this.isOver) return;
    this.currentTerm = term;
    this.until = term === undefined ? -Infinity : sentAt + this.duration;
  }

  /** Gives up the lease for good, because a drain begins or the link to the bus has ended. */
  resign(): void {
    this.isOver = true;
    this.until = -Infinity;
    this.sent.clear();
  }

  /** The term in which this worker leads at `now`; undefined if it does not. */
  term(now: number): number | undefined {
    return now < this.until ? this.currentTerm : undefined;
  }
}
