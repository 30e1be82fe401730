import type { Waiter } from '../bus/bus.interface.js';
import { hostTime } from '../platform/clock.js';
import { MAX_DELAY } from '../platform/limits.js';

/** One step of a call, which waits until it is settled or the deadline passes. Later results are ignored. */
export abstract class PendingCall<T, Result = unknown> implements Waiter<T> {
  cancel: (() => void) | undefined = undefined;
  /** True when nobody waits for it any more. */
  isOver = false;

  constructor(protected readonly deadline: Deadline) {}

  /** Starts waiting: registers with the deadline, then calls `start`. */
  wait(start: (pending: this) => void): void {
    this.deadline.add(this);
    this.begin(start);
  }

  /** Calls `start` for the next thing to wait for; rejects with what `start` throws. */
  begin(start: (pending: this) => void): void {
    try {
      start(this);
    } catch (error) {
      this.reject(error);
    }
  }

  resolve(value: T): void {
    if (!this.#end()) return;
    let result: Result;
    try {
      result = this.read(value);
    } catch (error) {
      return this.fail(error);
    }
    this.fulfil(result);
  }

  reject(reason: unknown): void {
    if (this.#end()) this.fail(reason);
  }

  /** Settles as `promise` does. */
  follow(promise: Promise<T>): void {
    promise.then(
      (value) => this.resolve(value),
      (reason: unknown) => this.reject(reason),
    );
  }

  /** Called when the deadline has passed. */
  expire(): void {
    this.abort(this.expired());
  }

  /** Fails with `reason`, and cancels what was started. */
  abort(reason: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.fail(reason);
    this.cancel?.();
  }

  /** Cancels what was started; the call never settles. */
  abandon(): void {
    this.isOver = true;
    this.cancel?.();
  }

  #end(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    this.deadline.release(this);
    return true;
  }

  /** Turns the value that arrived into the result of the call. */
  protected abstract read(value: T): Result;

  /** Called with the result. */
  protected abstract fulfil(result: Result): void;

  /** Called with the reason of the failure. */
  protected abstract fail(reason: unknown): void;

  /** Creates the error for a deadline that passed. */
  protected abstract expired(): Error;
}

/** A pending call behind a promise, which resolves to what `read` returns for the value. */
export class PromiseCall<T, Result> extends PendingCall<T, Result> {
  constructor(
    deadline: Deadline,
    protected readonly fulfil: (result: Result) => void,
    protected readonly fail: (reason: unknown) => void,
    protected readonly expired: () => Error,
    protected readonly read: (value: T) => Result,
  ) {
    super(deadline);
  }
}

/**
 * The deadline of one call, shared by all its steps. It is an absolute time, so that it can be sent with a message, and
 * uses a single timer that exists only while something waits.
 */
export class Deadline {
  /** By the host's monotonic clock, in ms; Infinity for none. */
  readonly at: number;
  #timer: NodeJS.Timeout | undefined;
  /** The pending calls; usually there is only one. */
  #first: PendingCall<any> | undefined;
  #others: PendingCall<any>[] | undefined;

  constructor(
    /** In ms from now; Infinity for none. */
    readonly timeout: number,
  ) {
    this.at = timeout === Infinity ? Infinity : hostTime() + timeout;
  }

  /**
   * Calls `start` at once with a pending call, which `start` must settle. The promise settles with it, with what `read`
   * returns for the value. At the deadline it rejects with `expired()` and cancels what was started.
   */
  bound<T, Result = T>(
    start: (pending: PendingCall<T>) => void,
    expired: () => Error,
    read: (value: T) => Result = asItIs,
  ): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      new PromiseCall<T, Result>(this, resolve, reject, expired, read).wait(start);
    });
  }

  /** Cancels everything that waits, without settling it: the caller is no longer interested. */
  abandon(): void {
    for (const pending of this.#takeAll()) pending.abandon();
  }

  /** Cancels everything that waits; each rejects with `reason`. */
  abort(reason: unknown): void {
    for (const pending of this.#takeAll()) pending.abort(reason);
  }

  /** Adds a call that waits from now on. */
  add(pending: PendingCall<any>): void {
    if (this.#first === undefined) this.#first = pending;
    else (this.#others ??= []).push(pending);
    if (this.#timer === undefined) this.#arm();
  }

  /** Removes a call that has settled. */
  release(pending: PendingCall<any>): void {
    const others = this.#others;
    if (this.#first === pending) this.#first = others?.shift();
    else if (others?.includes(pending)) others.splice(others.indexOf(pending), 1);
    if (this.#first === undefined) this.#disarm();
  }

  #takeAll(): PendingCall<any>[] {
    const waiting = this.#first === undefined ? [] : [this.#first, ...(this.#others ?? [])];
    this.#first = this.#others = undefined;
    this.#disarm();
    return waiting;
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    if (this.at === Infinity) return;
    this.#timer = setTimeout(
      () => {
        // The timer can fire early: Node counts from the time when the running turn of the event loop began.
        if (hostTime() < this.at) this.#arm();
        else for (const pending of this.#takeAll()) pending.expire();
      },
      Math.min(Math.max(this.at - hostTime(), 0), MAX_DELAY),
    );
  }
}

function asItIs<T, Result>(value: T): Result {
  return value as unknown as Result;
}
