import type { Waiter } from '../bus/bus.interface.js';
import { hostTime } from '../platform/clock.js';
import { MAX_DELAY } from '../platform/limits.js';

/** One part of a call, which waits until it is settled or the deadline passes. What comes later is ignored. */
export abstract class PendingCall<T, Result = unknown> implements Waiter<T> {
  cancel: (() => void) | undefined = undefined;
  /** Nobody waits for it any more. */
  isOver = false;

  constructor(protected readonly deadline: Deadline) {}

  /** Begins what it waits for. */
  wait(start: (part: this) => void): void {
    this.deadline.add(this);
    this.begin(start);
  }

  /** Begins the next thing that it waits for. */
  begin(start: (part: this) => void): void {
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

  /** The deadline has passed. */
  expire(): void {
    this.abort(this.expired());
  }

  /** Fails, and cancels what was begun. */
  abort(reason: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.fail(reason);
    this.cancel?.();
  }

  /** Cancels what was begun; it never settles. */
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

  /** What the value it waited for comes to. */
  protected abstract read(value: T): Result;

  /** Gets what was read. */
  protected abstract fulfil(result: Result): void;

  /** Gets why it waits in vain. */
  protected abstract fail(reason: unknown): void;

  /** What it fails with at the deadline. */
  protected abstract expired(): Error;
}

/** A part behind a promise of what `read` makes of the value. */
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
 * The deadline of one call, shared by all its parts: absolute, so that it can travel with a message, and
 * kept by a single timer that lives only while something waits.
 */
export class Deadline {
  /** Of the host's monotonic clock, in ms; Infinity for none. */
  readonly at: number;
  #timer: NodeJS.Timeout | undefined;
  /** Those that wait: mostly there is but one. */
  #first: PendingCall<any> | undefined;
  #others: PendingCall<any>[] | undefined;

  constructor(
    /** In ms from now; Infinity for none. */
    readonly timeout: number,
  ) {
    this.at = timeout === Infinity ? Infinity : hostTime() + timeout;
  }

  /**
   * Calls `start` at once, with the part that it is to settle, and settles as that does, with what `read` makes of the
   * value; at the deadline rejects with `expired()` and cancels what was started.
   */
  bound<T, Result = T>(
    start: (part: PendingCall<T>) => void,
    expired: () => Error,
    read: (value: T) => Result = asItIs,
  ): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      new PromiseCall<T, Result>(this, resolve, reject, expired, read).wait(start);
    });
  }

  /** Stops everything that waits without settling it: the caller no longer wants to know. */
  abandon(): void {
    for (const part of this.#takeAll()) part.abandon();
  }

  /** Stops everything that waits; it rejects with `reason`. */
  abort(reason: unknown): void {
    for (const part of this.#takeAll()) part.abort(reason);
  }

  /** A part waits from now on. */
  add(part: PendingCall<any>): void {
    if (this.#first === undefined) this.#first = part;
    else (this.#others ??= []).push(part);
    if (this.#timer === undefined) this.#arm();
  }

  /** Forgets a part that has settled. */
  release(part: PendingCall<any>): void {
    const others = this.#others;
    if (this.#first === part) this.#first = others?.shift();
    else if (others?.includes(part)) others.splice(others.indexOf(part), 1);
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
        // Early: Node counts from when the running turn of the event loop began.
        if (hostTime() < this.at) this.#arm();
        else for (const part of this.#takeAll()) part.expire();
      },
      Math.min(Math.max(this.at - hostTime(), 0), MAX_DELAY),
    );
  }
}

function asItIs<T, Result>(value: T): Result {
  return value as unknown as Result;
}
