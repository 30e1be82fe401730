/**
 * Who leads: one ready worker, appointed by the primary with a term number. The lease is renewed by the
 * leader's heartbeats; nobody else is appointed before the last lease ran out or its holder is dead, so
 * there is at most one leader per term and no two at a time.
 */
export class LeaderElection {
  private term = 0;
  private holder: number | undefined;
  private lastHolder: number | undefined;
  private awaited = false;
  private leaseUntil = 0;

  /** @param lease how long a leader may act on one heartbeat's answer, in ms */
  constructor(private readonly lease: number) {}

  get leader(): number | undefined {
    return this.holder;
  }

  /** When the last lease has run out, where somebody waits for that to be appointed. */
  get wakeAt(): number {
    return this.awaited ? this.leaseUntil : Infinity;
  }

  /** The term the worker leads in, renewing its lease; undefined where it does not lead. */
  heartbeat(worker: number, now: number): number | undefined {
    if (worker !== this.holder) return undefined;
    this.leaseUntil = now + this.lease;
    return this.term;
  }

  /** The worker leaves or fell silent: it gets no further lease; what it has runs out by itself. */
  dismiss(worker: number): void {
    if (worker === this.holder) this.holder = undefined;
  }

  /** The worker's process is gone: its lease with it. */
  died(worker: number, now: number): void {
    if (worker === this.holder || (this.holder === undefined && worker === this.lastHolder)) {
      this.holder = undefined;
      this.leaseUntil = now;
    }
  }

  /** Appoints the first candidate where the place is free. */
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
    // Until its first heartbeat is answered the new leader does not know; the lease counts from there.
    this.leaseUntil = now + this.lease;
  }
}
