import type { Address } from '../bus/bus.interface.js';
import { ClusterTimeoutError } from '../errors/index.js';
import { MAX_TIMER_MS } from './deadline.js';

/** Drops the timer behind `context.signal`, if there is one: its handler is done. */
export let releaseContext: (context: ClusterEventContext) => void;

/**
 * What a handler may know of an event beside its data.
 *
 * @publicApi
 */
export class ClusterEventContext {
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    /** The event's name. */
    readonly event: string,
    /** Identifies the message; of a task, the caller's `id` where it gave one. */
    readonly id: string,
    /** Who sent it: a slot, or `'primary'`. */
    readonly source: Address,
    /** 1, or more when a task runs again after a worker died or its handler threw. */
    readonly attempt: number,
    /** Unix time in ms after which nobody waits for the result; Infinity for none, as in a broadcast. */
    readonly deadline: number,
  ) {}

  /**
   * Aborts at the deadline, with a `ClusterTimeoutError` as its reason; never for an event without one,
   * and not after the handler is done. Costs nothing unless it is read.
   */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.deadline !== Infinity) this.#watch(this.#controller);
    }
    return this.#controller.signal;
  }

  #watch(controller: AbortController): void {
    const left = this.deadline - Date.now();
    if (left <= 0) {
      controller.abort(new ClusterTimeoutError(`The deadline of '${this.event}' passed; nobody waits for its result.`));
      return;
    }
    this.#timer = setTimeout(() => this.#watch(controller), Math.min(left, MAX_TIMER_MS));
    this.#timer.unref();
  }

  static {
    releaseContext = (context) => clearTimeout(context.#timer);
  }
}
