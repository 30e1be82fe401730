/**
 * Elects the leader: one ready worker, which the primary appoints with a term number. The leader's heartbeats renew its
 * lease. No other worker is appointed before the last lease has run out or its holder is dead, so each term has at most
 * one leader, and there are never two leaders at a time.
 */
export class LeaderElection {
  private term = 0;
  private holder: number | undefined;
  private lastHolder: number | undefined;
  private awaited = false;
  private leaseUntil = 0;

  /** @param lease duration of the lease that the answer to a heartbeat grants, in ms */
  constructor(private readonly lease: number) {}

  get leader(): number | undefined {
    return this.holder;
  }

  /** When the last lease runs out, if a candidate waits for that; otherwise Infinity. */
  get wakeAt(): number {
    return this.awaited ? this.leaseUntil : Infinity;
  }

  /** Renews the worker's lease and returns its term; returns undefined if the worker does not lead. */
  heartbeat(worker: number, now: number): number | undefined {
    if (worker !== this.holder) return undefined;
    this.leaseUntil = now + this.lease;
    return this.term;
  }

  /**
   * The worker leaves, is unresponsive or cannot be reached: its lease is not renewed any more, and runs out by itself.
   */
  dismiss(worker: number): void {
    if (worker === this.holder) this.holder = undefined;
  }

  /** The worker's process has ended, and its lease with it. */
  died(worker: number, now: number): void {
    if (worker === this.holder || (this.holder === undefined && worker === this.lastHolder)) {
      this.holder = undefined;
      this.leaseUntil = now;
    }
  }

  /** Appoints the first candidate if there is no leader and the last lease has run out. */
  appoint(candidates: Iterable<number>, now: number): void {
    this.awaited = false;
    if (this.holder !== undefined) return;
    const [first] = candidates;
    if (first === undefined) return;
    if (now < this.leaseUntil) {
      this.awaited = true;
      return;
    }
    this.holder = first;
    this.lastHolder = first;
    this.term += 1;
    // The new leader learns of its appointment from the answer to its next heartbeat, which renews the lease.
    this.leaseUntil = now + this.lease;
  }
}
