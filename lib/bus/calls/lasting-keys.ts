/** From so many keys of `runOnce` without a `ttl` on, a warning is due: they are kept for the cluster's life. */
export const MANY_KEYS = 2_000;

/** Warns of results that are kept for ever, at so many and then at each doubling. */
export class LastingKeys {
  private count = 0;
  private warnAt = MANY_KEYS;

  constructor(
    private readonly warn: (message: string) => void,
    /** What each of them costs. */
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
