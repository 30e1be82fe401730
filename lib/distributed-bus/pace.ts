import type { Clock, Timer } from '../platform/clock.js';

interface Entry<T> {
  readonly item: T;
  doneAt: number;
}

/**
 * Does some work for each of many keys once per period, with one timer. It goes in steps, so that thousands of keys
 * that were added at one moment are spread over the period from then on. A key's turn comes at most two periods after
 * its last one.
 */
export class Pace<T> {
  /** In order of waiting: the first entry has waited longest. */
  private readonly entries = new Map<string, Entry<T>>();
  private timer: Timer | undefined;
  private isStopped = false;

  constructor(
    private readonly clock: Clock,
    /** The period in ms; asked at each step. */
    private readonly period: () => number,
    /** Time between two steps, in ms. */
    private readonly interval: number,
    private readonly work: (key: string, item: T) => void,
  ) {}

  get size(): number {
    return this.entries.size;
  }

  get(key: string): T | undefined {
    return this.entries.get(key)?.item;
  }

  all(): [string, T][] {
    return [...this.entries].map(([key, { item }]) => [key, item]);
  }

  /** Adds a key; its work is due after a period. */
  set(key: string, item: T): void {
    this.entries.delete(key);
    this.entries.set(key, { item, doneAt: this.clock.now() });
    if (!this.isStopped) this.timer ??= this.stepLater();
  }

  /** The key's work was done, here or elsewhere; it is due again after a period. */
  done(key: string): void {
    const entry = this.entries.get(key);
    if (entry !== undefined) this.set(key, entry.item);
  }

  delete(key: string): void {
    this.entries.delete(key);
  }

  stop(): void {
    this.isStopped = true;
    this.timer?.cancel();
  }

  private stepLater(): Timer {
    return this.clock.after(this.interval, () => this.step(), false);
  }

  private step(): void {
    const now = this.clock.now();
    const period = this.period();
    let left = Math.ceil((this.entries.size * this.interval) / period);
    for (const [key, { item, doneAt }] of this.entries) {
      if (now - doneAt < period || left === 0) break;
      left -= 1;
      this.done(key);
      this.work(key, item);
    }
    this.timer = this.isStopped || this.entries.size === 0 ? undefined : this.stepLater();
  }
}
