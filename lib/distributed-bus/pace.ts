import type { Clock, Timer } from '../platform/clock.js';

interface Entry<T> {
  readonly item: T;
  doneAt: number;
}

/**
 * Does something for each of many keys once in a period, by one timer: in steps, so that thousands that came at one moment
 * are spread over the period from then on. Between two times lie two periods at most.
 */
export class Pace<T> {
  /** The one that waits longest is the first. */
  private readonly entries = new Map<string, Entry<T>>();
  private timer: Timer | undefined;
  private isStopped = false;

  constructor(
    private readonly clock: Clock,
    /** In ms; asked at each step. */
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

  /** It is new, and due in a period. */
  set(key: string, item: T): void {
    this.entries.delete(key);
    this.entries.set(key, { item, doneAt: this.clock.now() });
    if (!this.isStopped) this.timer ??= this.stepLater();
  }

  /** It was done, here or elsewhere, and is due again in a period. */
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
