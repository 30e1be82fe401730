/** The number of `runOnce` keys without a `ttl` that causes the first warning: such results are kept forever. */
export const MANY_KEYS = 2_000;

/** Warns about results that are kept for the cluster's life: at a first number of keys, then at each doubling. */
export class LastingKeys {
  private count = 0;
  private warnAt = MANY_KEYS;

  constructor(
    private readonly warn: (message: string) => void,
    /** What each key costs. */
    private readonly cost: string,
  ) {}

  add(key: string): void {
    this.count += 1;
    if (this.count < this.warnAt) return;
    this.warnAt *= 2;
    this.warn(
      `${this.count} results of runOnce are kept for the cluster's life, the last of '${key}': each costs ${this.cost}. ` +
        `Give runOnce a ttl where keys are made of ids, such as those of orders.`,
    );
  }

  remove(): void {
    this.count -= 1;
  }
}
