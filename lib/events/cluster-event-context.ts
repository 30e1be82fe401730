import type { Address } from '../bus/bus.interface.js';
import { ClusterTimeoutError } from '../errors/errors.js';
import { type ContextRunner, currentContext } from '../platform/async-context.js';
import { hostTime, unixTimeOf } from '../platform/clock.js';
import { MAX_DELAY } from '../platform/limits.js';

/** The messenger's access to the private parts of a context. */
export let contextOf: {
  /** Sets where the progress of a task goes. */
  readonly report: (context: ClusterEventContext, progress: (value: unknown) => Promise<void>) => void;
  /** Aborts `context.signal`: nobody waits for the result any more. */
  readonly abandon: (context: ClusterEventContext) => void;
  /** Drops the timer behind `context.signal`, if there is one. Called when the handler has finished. */
  readonly release: (context: ClusterEventContext) => void;
};

/** The state behind a context while its handler runs. */
interface Run {
  controller?: AbortController;
  /** The handler's own async context, in which listeners of its signal are called. */
  inContext?: ContextRunner;
  timer?: NodeJS.Timeout;
  progress?: ((value: unknown) => Promise<void>) | undefined;
  isAbandoned?: boolean;
}

/**
 * What a handler is told about an event besides its data.
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
    /** Identifies the message. For a task: the `id` that the caller gave, if it gave one. */
    readonly id: string,
    /** The sender: a slot, or `'primary'`. */
    readonly source: Address,
    /** 1 for the first run; higher when a task runs again because a worker died or its handler threw. */
    readonly attempt: number,
    /** When the callers stop waiting for the result, by this host's monotonic clock, in ms; Infinity for never. */
    until: number,
  ) {
    this.#until = until;
  }

  /**
   * When the callers stop waiting for the result, as Unix time in ms; Infinity for never, as in a broadcast. A
   * monotonic clock measures the time that is left, so this value changes when the wall clock is set meanwhile.
   */
  get deadline(): number {
    return this.#until === Infinity ? Infinity : Math.round(unixTimeOf(this.#until));
  }

  /**
   * Aborts at the deadline with a `ClusterTimeoutError` as its reason, or with an `AbortError` as soon as all callers
   * have given up the task. Never aborts after the handler has finished. Costs nothing unless it is read.
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
   * Reports the progress of the task to the callers that use `consume$`, at most once and in order. Resolves when the
   * bus has accepted or dropped the value; it waits while the send queue is full. Does nothing if the event is not a
   * task.
   *
   * @throws PayloadNotCloneableError, PayloadTooLargeError if the value cannot be sent
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
