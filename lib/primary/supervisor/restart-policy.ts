import type { SupervisorOptions } from './supervisor.types.js';

/**
 * Interval at which an open breaker lets one slot try, in ms. It closes if this probe is ready when the next one is
 * due.
 */
export const PROBE_INTERVAL = 30_000;

/** How many crashes the breaker tolerates within its window if `restart.maxCrashes` is not set. */
export function defaultMaxCrashes(workers: number): number {
  return Math.max(5, 2 * workers);
}

/**
 * The delay before a slot is forked again, in ms: none after the crash of a healthy worker, otherwise full jitter over
 * a bound that grows exponentially (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * @param streak crashes since the slot was last healthy, including this one
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
 * The crash-loop breaker (M. Nygard, "Release It!", circuit breaker). While it is open, the workers that are ready
 * stay, and one empty slot may be forked every `PROBE_INTERVAL`.
 */
export class CrashLoopBreaker {
  private crashes: number[] = [];
  private nextProbeAt: number | undefined;
  private probe: number | undefined;

  /** @param window the time in which crashes are counted, in ms */
  constructor(private readonly window: number) {}

  get open(): boolean {
    return this.nextProbeAt !== undefined;
  }

  /** When an open breaker may let a slot try or may close; Infinity while it is closed. */
  get wakeAt(): number {
    return this.nextProbeAt ?? Infinity;
  }

  /** Counts a crash; returns true if this crash has opened the breaker. */
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

  /** Must be called for each fork, so that an open breaker knows its probe. */
  forked(now: number, worker: number): void {
    if (this.nextProbeAt === undefined) return;
    this.probe = worker;
    this.nextProbeAt = now + PROBE_INTERVAL;
  }

  /**
   * Closes the breaker if its probe is still ready when the next one is due, or if no slot is vacant any more. Returns
   * true if this call has closed it.
   */
  settle(now: number, vacancy: boolean, isReady: (worker: number) => boolean): boolean {
    if (this.nextProbeAt === undefined || now < this.nextProbeAt) return false;
    if (this.probe === undefined && vacancy) return false;
    if (this.probe !== undefined && !isReady(this.probe)) {
      // The probe is still booting, and the boot deadline decides about it: check again after another interval.
      this.nextProbeAt = now + PROBE_INTERVAL;
      return false;
    }
    this.reset();
    return true;
  }

  /** Closes the breaker and forgets all crashes. */
  reset(): void {
    this.crashes = [];
    this.nextProbeAt = undefined;
    this.probe = undefined;
  }

  private forgetBefore(time: number): void {
    while (this.crashes.length > 0 && this.crashes[0]! < time) this.crashes.shift();
  }
}
