import type { Clock, Timer } from '../../platform/clock.js';
import type { Store } from '../../bus/engine.interface.js';
import { Lease } from './lease.js';

/** How long a leader may be silent before another takes over, in ms. */
export const LEADER_LEASE = 2_000;

/** Interval at which a leader renews its lease and a candidate looks for a free one, in ms. */
const TURN = 400;

/** A leader that was heard within this time, in ms, is taken to be alive. */
export const LEADER_HEARD = 1_000;

/**
 * Elects one leader for all hosts: the ready worker that holds the lease. The others look now and then whether it is
 * free.
 */
export class Leadership {
  private readonly lease: Lease;
  private state: 'idle' | 'candidate' | 'resigned' = 'idle';
  private timer: Timer | undefined;

  constructor(
    store: Store,
    owner: string,
    private readonly clock: Clock,
    /** Whether another member was heard to lead a moment ago. */
    private readonly isLed: () => boolean,
  ) {
    this.lease = new Lease(store, 'leader', owner, LEADER_LEASE, () => clock.now());
  }

  /**
   * The fencing token of this worker while it leads, higher than that of every leader before; undefined while it does
   * not.
   */
  get token(): number | undefined {
    return this.state === 'candidate' ? this.lease.token : undefined;
  }

  /** The worker is ready: it may lead from now on. */
  stand(): void {
    if (this.state !== 'idle') return;
    this.state = 'candidate';
    void this.turn();
  }

  /** The worker leaves. It gives the lease back, so that the next leader need not wait for its end. */
  async resign(): Promise<void> {
    this.state = 'resigned';
    this.timer?.cancel();
    await this.lease.release().catch(() => undefined);
  }

  private async turn(): Promise<void> {
    try {
      if (!(await this.lease.renew()) && !this.isLed()) await this.lease.acquire();
    } catch {
      // The broker cannot be asked: a lease that is held ends by itself.
    }
    if (this.state === 'resigned') return void this.lease.release().catch(() => undefined);
    this.timer = this.clock.after(TURN * (0.75 + Math.random() / 2), () => void this.turn(), false);
  }
}
