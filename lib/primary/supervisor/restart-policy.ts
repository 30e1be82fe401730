import type { SupervisorOptions } from './supervisor.types.js';

/** How often an open breaker lets one slot try, in ms; a probe that lives until the next one is due closes it. */
export const PROBE_INTERVAL = 30_000;

/** Crashes the breaker tolerates within its window where `restart.maxCrashes` is not set. */
export function defaultMaxCrashes(workers: number): number {
  return Math.max(5, 2 * workers);
}

/**
 * The delay before a slot is forked again, in ms: none for the first crash after health, then full jitter
 * over an exponentially growing bound (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * @param streak crashes since the slot was last healthy, this one included
 * @param healthy whether the worker that crashed had been ready for `resetAfter`
 * @param random uniform in [0, 1)
 */
export function restartDelay(
  options: SupervisorOptions['restart'],
  streak: number,
  healthy: boolean,
  random: () => number,
): number {
  if (healthy) return 0;
  const bound = Math.min(options.maxDelay, options.minDelay * 2 ** (streak - 1));
  return random() * bound;
}

/**
 * The crash-loop breaker (M. Nygard, "Release It!", circuit breaker): open, it keeps what works and lets
 * one empty slot try every `PROBE_INTERVAL`.
 */
export class CrashLoopBreaker {
  private crashes: number[] = [];
  private nextProbeAt: number | undefined;
  private probe: number | undefined;

  /** @param window in which crashes are counted, in ms */
  constructor(private readonly window: number) {}

  get open(): boolean {
    return this.nextProbeAt !== undefined;
  }

  /** When an open breaker next does something by itself. */
  get wakeAt(): number {
    return this.nextProbeAt ?? Infinity;
  }

  /** Counts a crash; true where it is one too many and opened the breaker just now. */
  crashed(now: number, worker: number, maxCrashes: number): boolean {
    this.crashes.push(now);
    this.forgetBefore(now - this.window);
    if (worker === this.probe) this.probe = undefined;
    if (this.open || this.crashes.length <= maxCrashes) return false;
    this.nextProbeAt = now + PROBE_INTERVAL;
    return true;
  }

  /** Whether an empty slot may be forked now. */
  allows(now: number): boolean {
    if (this.nextProbeAt === undefined) return true;
    return this.probe === undefined && now >= this.nextProbeAt;
  }

  /** Told of each fork, so that an open breaker knows its probe. */
  forked(now: number, worker: number): void {
    if (this.nextProbeAt === undefined) return;
    this.probe = worker;
    this.nextProbeAt = now + PROBE_INTERVAL;
  }

  /**
   * Closes the breaker where its probe lived until the next one is due, or nobody is left to try; true
   * where it closed just now.
   */
  settle(now: number, vacancy: boolean, isReady: (worker: number) => boolean): boolean {
    if (this.nextProbeAt === undefined || now < this.nextProbeAt) return false;
    if (this.probe === undefined && vacancy) return false;
    if (this.probe !== undefined && !isReady(this.probe)) {
      // Still booting: the boot deadline decides about it, look again after another interval.
      this.nextProbeAt = now + PROBE_INTERVAL;
      return false;
    }
    this.reset();
    return true;
  }

  /** Forgets the past: an operator's reload begins anew. */
  reset(): void {
    this.crashes = [];
    this.nextProbeAt = undefined;
    this.probe = undefined;
  }

  private forgetBefore(time: number): void {
    while (this.crashes.length > 0 && this.crashes[0]! < time) this.crashes.shift();
  }
}
