import { inRootContext } from './async-context.js';
import { MAX_DELAY } from './limits.js';

/** A pending timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/** Where supervision takes its time from; tests put in their own. */
export interface Clock {
  /** Monotonic time in ms; of the machine's clock the same in all processes of a host. */
  now(): number;
  /** Calls `callback` after `delay` ms. `keepAlive` false: the timer alone does not keep the process up. */
  after(delay: number, callback: () => void, keepAlive?: boolean): Timer;
}

/** How long clients that are already in the kernel's queue are let in, in ms; an endless rush must not delay the end. */
export const BACKLOG_TIMEOUT = 250;

/** A turn of the event loop in which next to nothing was done, in ms. */
const SHORT_TURN = 0.1;

/** What the machine's monotonic clock showed when this process's own began at 0, in ms. */
const OFFSET = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/**
 * Monotonic time in ms, the same in all processes of a host, so that a deadline may travel between them: what
 * `process.hrtime` reads (CLOCK_MONOTONIC, mach time, QPC) counts from the start of the machine. No step of the wall
 * clock moves it. While the machine is suspended it stands still on Linux, and so do Node's timers.
 */
export function hostTime(): number {
  return OFFSET + performance.now();
}

/** A time of this host's monotonic clock as Unix time in ms, by what the wall clock says now. */
export function unixTimeOf(time: number): number {
  return Date.now() + (time - hostTime());
}

/** The reverse. */
export function hostTimeOf(unixTime: number): number {
  return hostTime() + (unixTime - Date.now());
}

/** Time of the machine. */
export const systemClock: Clock = {
  now: hostTime,
  after(delay, callback, keepAlive = true) {
    // It belongs to the process, whoever's call brought it about.
    const timer = inRootContext(() => setTimeout(callback, Math.min(Math.max(0, delay), MAX_DELAY)));
    if (!keepAlive) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Resolves after `delay` ms. */
export function sleep(clock: Clock, delay: number): Promise<void> {
  return new Promise((resolve) => void clock.after(delay, resolve));
}

/** How often a condition is looked at that nobody tells of, in ms. */
const LOOK_INTERVAL = 5;

/** Resolves when `condition` holds, after `timeout` ms at the latest. */
export async function until(condition: () => boolean, clock: Clock, timeout: number): Promise<void> {
  const until = clock.now() + timeout;
  while (!condition() && clock.now() < until) await sleep(clock, LOOK_INTERVAL);
}

/** Resolves when the signal aborts. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Resolves after the poll phase of the running turn of the loop, or of the next. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Resolves when `count` did not change for a whole turn of the event loop, and a short one: what happened while
 * others had their turn is not known yet. After `timeout` ms at the latest.
 */
export async function idleTurn(count: () => number, clock: Clock, timeout: number): Promise<void> {
  const until = clock.now() + timeout;
  for (let quiet = false; !quiet && clock.now() < until;) {
    const [before, began] = [count(), clock.now()];
    await endOfTurn();
    quiet = count() === before && clock.now() - began < SHORT_TURN;
  }
}
