import { type Clock, sleep } from '../../platform/clock.js';

/** After this time without a stored write, in ms, JetStream counts as lost. A new leader is usually elected faster. */
export const KEEPS_NOTHING_AFTER = 4_500;

/** Interval between two checks while JetStream is in doubt, in ms. */
const LOOK_INTERVAL = 300;

/**
 * Watches whether JetStream stores what it is given, while the connection itself works: a server without its quorum
 * accepts messages, but does not answer writes that must be stored. Checks only after a request was not answered.
 */
export class QuorumWatch {
  /** Counts connections and findings, so that an outdated check is recognised. */
  private turn = 0;
  private isInDoubt = false;

  constructor(
    /** Whether a write is stored now. */
    private readonly keeps: () => Promise<boolean>,
    private readonly clock: Clock,
    /** Called at most once per connection. */
    private readonly lost: () => void,
  ) {}

  /** Called when the connection was replaced or lost. */
  reset(): void {
    this.turn += 1;
    this.isInDoubt = false;
  }

  /** Runs `work`, which asks JetStream for something. */
  async over<T>(work: () => Promise<T>): Promise<T> {
    const beganAt = this.clock.now();
    const { turn } = this;
    try {
      return await work();
    } catch (error) {
      // An error of JetStream's API is an answer, so the server works.
      if ((error as Error).name !== 'JetStreamApiError' && turn === this.turn) void this.doubt(beganAt);
      throw error;
    }
  }

  private async doubt(since: number): Promise<void> {
    if (this.isInDoubt) return;
    this.isInDoubt = true;
    const { turn } = this;
    const timeLeft = () => since + KEEPS_NOTHING_AFTER - this.clock.now();
    while (timeLeft() > 0) {
      const late = sleep(this.clock, timeLeft()).then(() => false);
      const isKept = await Promise.race([this.keeps().catch(() => false), late]);
      if (turn !== this.turn) return;
      if (isKept) return this.reset();
      await sleep(this.clock, Math.min(LOOK_INTERVAL, Math.max(0, timeLeft())));
      if (turn !== this.turn) return;
    }
    this.reset();
    this.lost();
  }
}
