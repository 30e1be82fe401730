import { type Clock, sleep } from '../../platform/clock.js';

/** JetStream that has kept nothing for so long, in ms, keeps nothing. Where a server is lost, a new leader mostly takes less. */
export const KEEPS_NOTHING_AFTER = 4_500;

/** Time between two looks while that is in doubt, in ms. */
const LOOK_INTERVAL = 300;

/**
 * Whether JetStream keeps what it is given, over a connection that is there all the time: a server that has lost the others takes
 * messages, and gives no answer to what must be kept. Looks only where something was not answered.
 */
export class QuorumWatch {
  /** Counts connections, and what is found out about them. */
  private turn = 0;
  private isInDoubt = false;

  constructor(
    /** Whether something that is written now is kept. */
    private readonly keeps: () => Promise<boolean>,
    private readonly clock: Clock,
    /** Told once for a connection. */
    private readonly lost: () => void,
  ) {}

  /** The connection is another one, or is lost. */
  reset(): void {
    this.turn += 1;
    this.isInDoubt = false;
  }

  /** Does `work` at JetStream. */
  async over<T>(work: () => Promise<T>): Promise<T> {
    const beganAt = this.clock.now();
    const { turn } = this;
    try {
      return await work();
    } catch (error) {
      // What it refuses it has understood.
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
