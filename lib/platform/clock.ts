import { inRootContext } from './async-context.js';
import { MAX_DELAY } from './limits.js';

/** A pending timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/** The source of time for supervision; tests use their own. */
export interface Clock {
  /** Monotonic time in ms. The system clock's is the same in all processes of a host. */
  now(): number;
  /** Calls `callback` after `delay` ms. With `keepAlive` false, the timer does not keep the process alive. */
  after(delay: number, callback: () => void, keepAlive?: boolean): Timer;
}

/** How long connections in the kernel's queue are still accepted, in ms; an endless rush must not delay the end. */
export const BACKLOG_TIMEOUT = 250;

/** A turn of the event loop shorter than this, in ms, has done next to nothing. */
const SHORT_TURN = 0.1;

/** The machine's monotonic clock at the moment when this process's `performance.now()` was 0, in ms. */
const OFFSET = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/**
 * Monotonic time in ms, the same in all processes of a host, so that deadlines can be sent between them. The clock that
 * `process.hrtime` reads (CLOCK_MONOTONIC, mach time, QPC) counts from the start of the machine. Setting the wall clock
 * does not change it. While the machine is suspended it stands still on Linux, and so do Node's timers.
 */
export function hostTime(): number {
  return OFFSET + performance.now();
}

/** Converts a time of this host's monotonic clock to Unix time in ms, by the current wall clock. */
export function unixTimeOf(time: number): number {
  return Date.now() + (time - hostTime());
}

/** Converts Unix time in ms to this host's monotonic clock. */
export function hostTimeOf(unixTime: number): number {
  return hostTime() + (unixTime - Date.now());
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: hostTime,
  after(delay, callback, keepAlive = true) {
    // The timer belongs to the process, so it does not keep the context of the call that happened to start it.
    const timer = inRootContext(() => setTimeout(callback, Math.min(Math.max(0, delay), MAX_DELAY)));
    if (!keepAlive) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Resolves after `delay` ms. */
export function sleep(clock: Clock, delay: number): Promise<void> {
  return new Promise((resolve) => void clock.after(delay, resolve));
}

/** Interval at which `until` checks its condition, in ms. */
const LOOK_INTERVAL = 5;

/** Resolves when `condition` holds, or after `timeout` ms. */
export async function until(condition: () => boolean, clock: Clock, timeout: number): Promise<void> {
  const end = clock.now() + timeout;
  while (!condition() && clock.now() < end) await sleep(clock, LOOK_INTERVAL);
}

/** Resolves when the signal aborts. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Resolves after the poll phase of the current turn of the event loop, or of the next. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Resolves when `count` has not changed during a whole turn of the event loop that was also short: after a long turn,
 * events that happened meanwhile are not known yet. Resolves after `timeout` ms at the latest.
 */
export async function idleTurn(count: () => number, clock: Clock, timeout: number): Promise<void> {
  const end = clock.now() + timeout;
  for (let quiet = false; !quiet && clock.now() < end;) {
    const [before, began] = [count(), clock.now()];
    await endOfTurn();
    quiet = count() === before && clock.now() - began < SHORT_TURN;
  }
}
