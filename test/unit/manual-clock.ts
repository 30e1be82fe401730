import type { Clock, Timer } from '../../lib/platform/clock.js';

/** Time that passes only when a test says so. */
export class ManualClock implements Clock {
  private time = 0;
  private readonly timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.time;
  }

  /** How many timers wait. */
  get pending(): number {
    return this.timers.size;
  }

  after(delay: number, callback: () => void): Timer {
    const timer = { at: this.time + delay, callback };
    this.timers.add(timer);
    return { cancel: () => void this.timers.delete(timer) };
  }

  /** Lets `ms` pass; what falls due in between happens in order, and what it leads to is done before time goes on. */
  async pass(ms: number): Promise<void> {
    const until = this.time + ms;
    await settled();
    for (;;) {
      const [next] = [...this.timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.timers.delete(next);
      this.time = Math.max(this.time, next.at);
      next.callback();
      await settled();
    }
    this.time = until;
  }
}

/** Resolves when what was begun has come as far as it can without time. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}
