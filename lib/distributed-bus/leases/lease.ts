import type { Store } from '../../bus/engine.interface.js';

/**
 * How much earlier a lease ends for its holder than at the broker, in ms: time passes between a decision and its
 * effect.
 */
const MARGIN = 200;

/**
 * One member's hold on a key that only one member may have at a time. It is acquired, kept by renewing it, and over by
 * itself when it is not renewed. Each holder gets a token that is higher than every one before it.
 *
 * The holder counts the time from before it asked the broker, so that the lease ends here no later than there.
 */
export class Lease {
  private version = 0;
  private heldToken: number | undefined;
  private until = -Infinity;
  private turns = 0;
  /** Calls run one after another: of two at once, each would take the other's write for that of another member. */
  private lastWork: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: Store,
    readonly key: string,
    /** The name of this holder; no other holder has the same. */
    private readonly owner: string,
    /** How long it lasts, in ms: the store's time to live. */
    private readonly duration: number,
    /** Monotonic time in ms. */
    private readonly now: () => number,
  ) {}

  /** The fencing token while this member holds the lease. */
  get token(): number | undefined {
    return this.now() < this.until ? this.heldToken : undefined;
  }

  /** Takes the lease if it is free. @returns the token, or undefined if another member has it */
  acquire(): Promise<number | undefined> {
    return this.inTurn(async () => {
      const version = await this.write(undefined);
      if (version === undefined) return undefined;
      this.heldToken = version;
      await this.store.uphold?.();
      return this.token;
    });
  }

  /** @returns whether it is still held; false for good once another member may have had it */
  renew(): Promise<boolean> {
    return this.inTurn(async () => {
      if (this.heldToken === undefined) return false;
      if ((await this.write(this.version)) !== undefined) return true;
      this.forget();
      return false;
    });
  }

  /** Gives the lease back, so that the next holder need not wait for its end. */
  release(): Promise<void> {
    // From now on the lease does not count as held, even if a write is still on its way.
    this.until = -Infinity;
    return this.inTurn(async () => {
      const { version, heldToken } = this;
      this.forget();
      if (heldToken !== undefined) await this.store.remove(this.key, version);
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.lastWork.then(work, work);
    this.lastWork = done.catch(() => undefined);
    return done;
  }

  private forget(): void {
    this.heldToken = undefined;
    this.until = -Infinity;
  }

  /** @throws Error if the broker cannot be asked; a lease that is held then ends by itself */
  private async write(expected: number | undefined): Promise<number | undefined> {
    const startedAt = this.now();
    const value = Buffer.from(`${this.owner} ${(this.turns += 1)}`);
    const version = await this.attempt(value, expected);
    if (version === undefined) return undefined;
    this.version = version;
    this.until = startedAt + this.duration - MARGIN;
    return version;
  }

  private async attempt(value: Buffer, expected: number | undefined): Promise<number | undefined> {
    try {
      return await this.store.put(this.key, value, expected);
    } catch (error) {
      // The write may have succeeded all the same.
      const record = await this.store.get(this.key).catch(() => undefined);
      if (record !== undefined && value.equals(record.value)) return record.version;
      throw error;
    }
  }
}
