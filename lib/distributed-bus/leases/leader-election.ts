import type { Clock, Timer } from '../../platform/clock.js';
import type { Store } from '../../bus/engine.interface.js';
import { Lease } from './lease.js';

/** How long a leader may be silent before another takes over, in ms. */
export const LEADER_LEASE = 2_000;

/** How often a leader renews, and a candidate looks, in ms. */
const TURN = 400;

/** A leader heard within so many ms is taken to be alive. */
export const LEADER_HEARD = 1_000;

/** One leader for all hosts: the ready worker that holds the lease. The others look now and then whether it is free. */
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

  /** The fencing token by which this worker leads right now, if it does; higher than any leader's before. */
  get token(): number | undefined {
    return this.state === 'candidate' ? this.lease.token : undefined;
  }

  /** Ready: may lead from now on. */
  stand(): void {
    if (this.state !== 'idle') return;
    this.state = 'candidate';
    void this.turn();
  }

  /** Leaves: the next one need not wait for the end of the lease. */
  async resign(): Promise<void> {
    this.state = 'resigned';
    this.timer?.cancel();
    await this.lease.release().catch(() => undefined);
  }

  private async turn(): Promise<void> {
    try {
      if (!(await this.lease.renew()) && !this.isLed()) await this.lease.acquire();
    } catch {
      // The broker cannot be asked: what is held runs out by itself.
    }
    if (this.state === 'resigned') return void this.lease.release().catch(() => undefined);
    this.timer = this.clock.after(TURN * (0.75 + Math.random() / 2), () => void this.turn(), false);
  }
}
