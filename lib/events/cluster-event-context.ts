import type { Address } from '../bus/bus.interface.js';
import { ClusterTimeoutError } from '../errors/errors.js';
import { type ContextRunner, currentContext } from '../platform/async-context.js';
import { hostTime, unixTimeOf } from '../platform/clock.js';
import { MAX_DELAY } from '../platform/limits.js';

/** What the messenger does to a context. */
export let contextOf: {
  /** For a task: where its progress goes. */
  readonly report: (context: ClusterEventContext, progress: (value: unknown) => Promise<void>) => void;
  /** Nobody waits for the result any more. */
  readonly abandon: (context: ClusterEventContext) => void;
  /** Its handler is done. Drops the timer behind `context.signal`, if there is one. */
  readonly release: (context: ClusterEventContext) => void;
};

/** What is behind a context while its handler runs. */
interface Run {
  controller?: AbortController;
  /** The handler's own context, for those who listen to its signal. */
  inContext?: ContextRunner;
  timer?: NodeJS.Timeout;
  progress?: ((value: unknown) => Promise<void>) | undefined;
  isAbandoned?: boolean;
}

/**
 * What a handler may know of an event beside its data.
 *
 * @publicApi
 */
export class ClusterEventContext {
  #run: Run | undefined;
  readonly #until: number;

  /** @internal */
  constructor(
    /** The event's name. */
    readonly event: string,
    /** Identifies the message; of a task, the caller's `id` where it gave one. */
    readonly id: string,
    /** Who sent it: a slot, or `'primary'`. */
    readonly source: Address,
    /** 1, or more when a task runs again after a worker died or its handler threw. */
    readonly attempt: number,
    /** Time of this host's monotonic clock, in ms, after which nobody waits for the result; Infinity for none. */
    until: number,
  ) {
    this.#until = until;
  }

  /**
   * Unix time in ms after which nobody waits for the result; Infinity for none, as in a broadcast. The time that is left
   * is kept by a monotonic clock: where the wall clock is set meanwhile, this is another value afterwards.
   */
  get deadline(): number {
    return this.#until === Infinity ? Infinity : Math.round(unixTimeOf(this.#until));
  }

  /**
   * Aborts at the deadline, with a `ClusterTimeoutError` as its reason, and when the callers of a task have given it
   * up before, with an `AbortError`; not after the handler is done. Costs nothing unless it is read.
   */
  get signal(): AbortSignal {
    const run = (this.#run ??= {});
    if (run.controller === undefined) {
      run.controller = new AbortController();
      run.inContext = currentContext();
      if (run.isAbandoned) run.controller.abort();
      else if (this.#until !== Infinity) this.#watch(run, run.controller);
    }
    return run.controller.signal;
  }

  /**
   * Says how far the task has come: callers that wait by `consume$` get it, at most once and in order. Resolves when
   * the bus took it, which waits while the way out is full, or had to drop it. Nothing happens where the event is no
   * task.
   *
   * @throws PayloadNotCloneableError, PayloadTooLargeError for a value that cannot be sent
   */
  async progress(value: unknown): Promise<void> {
    await this.#run?.progress?.(value);
  }

  #watch(run: Run, controller: AbortController): void {
    const left = this.#until - hostTime();
    if (left <= 0) {
      controller.abort(new ClusterTimeoutError(`The deadline of '${this.event}' passed; nobody waits for its result.`));
      return;
    }
    run.timer = setTimeout(() => this.#watch(run, controller), Math.min(left, MAX_DELAY));
    run.timer.unref();
  }

  static {
    contextOf = {
      report: (context, progress) => (context.#run = { progress }),
      abandon: (context) => {
        const run = (context.#run ??= {});
        run.isAbandoned = true;
        clearTimeout(run.timer);
        run.inContext?.(() => run.controller?.abort());
      },
      release: (context) => {
        const run = context.#run;
        if (run === undefined) return;
        run.progress = undefined;
        clearTimeout(run.timer);
      },
    };
  }
}
