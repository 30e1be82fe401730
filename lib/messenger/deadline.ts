import type { AbortSignalLike } from '../bus/bus.interface.js';

/** Longest delay Node's timers take, in ms; a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** What a waiting step of a call looks at to stop: `cancelled` is set before `cancel` is called. */
export interface CallSignal extends AbortSignalLike {
  cancelled: boolean;
}

interface Waiting {
  readonly signal: CallSignal;
  readonly reject: (reason: unknown) => void;
  readonly expired: () => Error;
}

/**
 * The deadline of one call, shared by all its parts: absolute, so that it can travel with a message, and
 * kept by a single timer that lives only while something waits.
 */
export class Deadline {
  /** Unix time in ms; Infinity for none. */
  readonly at: number;
  #timer: NodeJS.Timeout | undefined;
  readonly #waiting = new Set<Waiting>();

  constructor(
    /** In ms from now; Infinity for none. */
    readonly timeout: number,
  ) {
    this.at = timeout === Infinity ? Infinity : Date.now() + timeout;
  }

  /**
   * Calls `start` at once and settles as it does; at the deadline rejects with `expired()` and cancels
   * what was started.
   */
  bound<T>(start: (signal: CallSignal) => Promise<T>, expired: () => Error): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const signal: CallSignal = { cancelled: false };
      const waiting: Waiting = { signal, reject, expired };
      this.#waiting.add(waiting);
      if (this.#timer === undefined) this.#arm();
      const done = () => {
        this.#waiting.delete(waiting);
        if (this.#waiting.size > 0) return;
        clearTimeout(this.#timer);
        this.#timer = undefined;
      };
      const fail = (error: unknown) => {
        done();
        reject(error);
      };
      try {
        start(signal).then((value) => {
          done();
          resolve(value);
        }, fail);
      } catch (error) {
        fail(error);
      }
    });
  }

  /** Stops everything that waits without settling it: the caller no longer wants to know. */
  abandon(): void {
    this.#stop(() => {});
  }

  /** Stops everything that waits; it rejects with `reason`. */
  abort(reason: unknown): void {
    this.#stop(({ reject }) => reject(reason));
  }

  #arm(): void {
    if (this.at === Infinity) return;
    this.#timer = setTimeout(
      () => {
        if (Date.now() < this.at) this.#arm();
        else this.#stop(({ reject, expired }) => reject(expired()));
      },
      Math.min(Math.max(this.at - Date.now(), 0), MAX_TIMER_MS),
    );
  }

  #stop(settle: (waiting: Waiting) => void): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting);
      waiting.signal.cancelled = true;
      settle(waiting);
      waiting.signal.cancel?.();
    }
  }
}
