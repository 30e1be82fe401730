import type { Waiter } from '../bus/bus.interface.js';

/** Longest delay Node's timers take, in ms; a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** One part of a call, which waits until it is settled or the deadline passes. What comes later is ignored. */
export class Part<T> implements Waiter<T> {
  cancel: (() => void) | undefined = undefined;
  /** Nobody waits for it any more. */
  isOver = false;

  constructor(
    private readonly deadline: Deadline,
    private readonly take: (value: T) => void,
    private readonly fail: (reason: unknown) => void,
    /** What it fails with at the deadline. */
    private readonly expired: () => Error,
  ) {}

  resolve(value: T): void {
    if (this.isOver) return;
    this.isOver = true;
    this.deadline.release(this);
    this.take(value);
  }

  reject(reason: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.deadline.release(this);
    this.fail(reason);
  }

  /** Settles as `promise` does. */
  follow(promise: Promise<T>): void {
    promise.then(
      (value) => this.resolve(value),
      (reason: unknown) => this.reject(reason),
    );
  }

  /** Begins what it waits for. */
  begin(start: (part: Part<T>) => void): void {
    try {
      start(this);
    } catch (error) {
      this.reject(error);
    }
  }

  /** The deadline has passed. */
  expire(): void {
    this.abort(this.expired());
  }

  /** Fails, and cancels what was begun. */
  abort(reason: unknown): void {
    this.isOver = true;
    this.fail(reason);
    this.cancel?.();
  }

  /** Cancels what was begun; it never settles. */
  abandon(): void {
    this.isOver = true;
    this.cancel?.();
  }
}

/**
 * The deadline of one call, shared by all its parts: absolute, so that it can travel with a message, and
 * kept by a single timer that lives only while something waits.
 */
export class Deadline {
  /** Unix time in ms; Infinity for none. */
  readonly at: number;
  #timer: NodeJS.Timeout | undefined;
  /** Those that wait: mostly there is but one. */
  #waiting: Part<any>[] = [];

  constructor(
    /** In ms from now; Infinity for none. */
    readonly timeout: number,
  ) {
    this.at = timeout === Infinity ? Infinity : Date.now() + timeout;
  }

  /**
   * Calls `start` at once, with the part that it is to settle, and settles as that does, with what `read` makes of the
   * value; at the deadline rejects with `expired()` and cancels what was started.
   */
  bound<T, Result = T>(
    start: (part: Part<T>) => void,
    expired: () => Error,
    read?: (value: T) => Result,
  ): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const take = read === undefined ? (resolve as unknown as (value: T) => void) : reading(read, resolve, reject);
      this.wait(start, take, reject, expired);
    });
  }

  /** The same for who wants no promise: `take` gets the value, `fail` the reason. */
  wait<T>(
    start: (part: Part<T>) => void,
    take: (value: T) => void,
    fail: (reason: unknown) => void,
    expired: () => Error,
  ): void {
    const part = new Part<T>(this, take, fail, expired);
    this.#waiting.push(part);
    if (this.#timer === undefined) this.#arm();
    part.begin(start);
  }

  /** Stops everything that waits without settling it: the caller no longer wants to know. */
  abandon(): void {
    for (const part of this.#takeAll()) part.abandon();
  }

  /** Stops everything that waits; it rejects with `reason`. */
  abort(reason: unknown): void {
    for (const part of this.#takeAll()) part.abort(reason);
  }

  /** Forgets a part that has settled. */
  release(part: Part<any>): void {
    const waiting = this.#waiting;
    if (waiting.length > 1) waiting.splice(waiting.indexOf(part), 1);
    else this.#takeAll();
  }

  #takeAll(): Part<any>[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  #arm(): void {
    if (this.at === Infinity) return;
    this.#timer = setTimeout(
      () => {
        if (Date.now() < this.at) this.#arm();
        else for (const part of this.#takeAll()) part.expire();
      },
      Math.min(Math.max(this.at - Date.now(), 0), MAX_TIMER_MS),
    );
  }
}

function reading<T, Result>(
  read: (value: T) => Result,
  resolve: (result: Result) => void,
  reject: (reason: unknown) => void,
): (value: T) => void {
  return (value) => {
    let result: Result;
    try {
      result = read(value);
    } catch (error) {
      reject(error);
      return;
    }
    resolve(result);
  };
}
