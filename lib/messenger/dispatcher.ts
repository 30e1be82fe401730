import { type Observable, ReplaySubject } from 'rxjs';
import { decode, encode, type Encoded } from '../codec/codec.js';
import {
  type Bus,
  type BusReceiver,
  type Member,
  type Outcome,
  type Publication,
  type Request,
  type Task,
  DeliveryRefused,
} from '../bus/bus.interface.js';
import { BackpressureError, NotConnectedError } from '../errors/errors.js';
import { isError, messageOf, stackOf } from '../errors/read-error.js';
import type { Handler } from '../handlers/handler.interface.js';
import type { HandlerRegistry } from '../handlers/handler-registry.js';
import { ClusterLogger } from '../platform/cluster-logger.js';
import { inRootContext } from '../platform/async-context.js';
import { hostTime } from '../platform/clock.js';
import { NumberTable } from '../platform/number-table.js';
import { ThrottledWarning } from '../platform/throttled-warning.js';
import { show } from './arguments.js';
import { ClusterEventContext, contextOf } from '../events/cluster-event-context.js';
import { placeOf } from './outcome.js';
import { encodeError } from './remote-errors.js';

/** Settings of a Dispatcher. */
export interface DispatcherOptions {
  /** Largest encoded return value or error, in bytes. */
  readonly maxPayload: number;
  /** Whether the stack of a handler's error travels to the caller. */
  readonly stacks: boolean;
}

/** A request or task on its way to its one handler. */
interface Invocation {
  readonly event: string;
  readonly payload: Encoded;
  readonly deadline: number;
  readonly context: ClusterEventContext;
  readonly answer: (outcome: Outcome, payload: Uint8Array) => void;
}

const NOTHING = new Uint8Array(0);

/**
 * Receives the messages that the bus delivers to this process, and runs the handlers for them. Handlers always run
 * outside of any AsyncLocalStorage context: otherwise they would run in that of the caller which happened to start a
 * queue or a timer of the bus.
 */
export class Dispatcher implements BusReceiver {
  readonly #logger = new ClusterLogger();
  readonly #members = new ReplaySubject<readonly Member[]>(1);
  /** The contexts of the tasks that run here, by the queue's task number. */
  readonly #tasks = new NumberTable<ClusterEventContext>();
  readonly #droppedProgress = new ThrottledWarning(
    (message) => this.#logger.warn(message),
    hostTime,
    (count, event) =>
      `${count} value(s) of a task's progress were dropped, the last for '${event}': they are produced faster than ` +
      `they can be sent. Await context.progress().`,
  );
  readonly #unreadable = new ThrottledWarning(
    (message) => this.#logger.warn(message),
    hostTime,
    (count, event) =>
      `${count} broadcast(s) were dropped, the last of '${event}': their data cannot be decoded. Run compatible ` +
      `versions of nestjs-cluster in all processes, and let nothing else publish to this cluster's subjects.`,
  );
  #inFlight = 0;
  #idle: (() => void)[] = [];
  #closed: string | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly registry: HandlerRegistry,
    private readonly options: DispatcherOptions,
  ) {}

  /** The number of handlers that are running. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Resolves when no handler is running; at once if none is. */
  idle(): Promise<void> {
    return this.#inFlight === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Emits the ready workers on subscription and after each change; completes when the bus is gone. */
  get members$(): Observable<readonly Member[]> {
    return this.#members.asObservable();
  }

  /** Why the bus is gone; undefined while it is not. */
  get closed(): string | undefined {
    return this.#closed;
  }

  onMembers(members: readonly Member[]): void {
    inRootContext(() => this.#members.next(members));
  }

  onClosed(reason: string): void {
    this.#closed ??= reason;
    inRootContext(() => this.#members.complete());
  }

  onPublish(publication: Publication): void {
    for (const handler of this.registry.listeners(publication.event)) {
      inRootContext(() => this.#invokeListener(handler, publication));
    }
  }

  #invokeListener(handler: Handler, { event, payload, from, id }: Publication): void {
    const context = new ClusterEventContext(event, `${from}.${id}`, from, 1, Infinity);
    let data: unknown;
    try {
      // Decoded for each handler, so that a handler which changes its data does not affect the next one.
      data = decode(payload);
    } catch {
      return this.#unreadable.due(event);
    }
    try {
      const result = handler.invoke(data, context);
      if (isThenable(result)) this.#track(this.#settleListener(handler, context, result));
    } catch (error) {
      this.#logBroadcast(handler, context, error);
    }
  }

  #settleListener(handler: Handler, context: ClusterEventContext, result: PromiseLike<unknown>): Promise<void> {
    const failed = (error: unknown) => this.#logBroadcast(handler, context, error);
    return Promise.resolve(result).then(() => undefined, failed);
  }

  onRequest(request: Request): void {
    const { event, payload, deadline, from, fromId, id } = request;
    const answer: Invocation['answer'] = (outcome, value) => this.bus.reply(request, outcome, value);
    const context = new ClusterEventContext(event, `${fromId}.${id}`, from, 1, deadline);
    const handler = this.registry.answerer(event);
    const invocation = { event, payload, deadline, context, answer };
    if (handler === undefined) this.#answer(invocation, 'no-handler', NOTHING);
    else inRootContext(() => this.#track(this.#run(handler, invocation)));
  }

  onTask(task: Task): void {
    const { event, payload, deadline, from, id, key, attempt } = task;
    const context = new ClusterEventContext(event, key ?? `task.${id}`, from, attempt, deadline);
    const answer: Invocation['answer'] = (outcome, value) => {
      this.#tasks.take(id);
      this.bus.settle(task, outcome, value);
    };
    contextOf.report(context, (value) => this.#progress(task, encode(event, value, this.options.maxPayload)));
    this.#tasks.set(id, context);
    const handler = this.registry.consumer(event);
    const invocation = { event, payload, deadline, context, answer };
    if (handler === undefined) this.#answer(invocation, 'no-handler', NOTHING);
    else inRootContext(() => this.#track(this.#run(handler, invocation)));
  }

  onAbandoned(task: number): void {
    const context = this.#tasks.get(task);
    if (context !== undefined) contextOf.abandon(context);
  }

  /** Sends a progress value at most once. If it cannot be sent, the handler goes on without an error. */
  async #progress(task: Task, payload: Uint8Array): Promise<void> {
    try {
      await this.bus.progress(task, payload);
    } catch (error) {
      if (error instanceof BackpressureError) this.#droppedProgress.due(task.event);
      else if (!(error instanceof DeliveryRefused || error instanceof NotConnectedError)) throw error;
    }
  }

  /** Runs a handler and answers. Returns undefined if the answer was given synchronously; never rejects. */
  #run(handler: Handler, invocation: Invocation): Promise<void> | undefined {
    if (invocation.deadline <= hostTime()) {
      this.#answer(invocation, 'expired', NOTHING);
      return undefined;
    }
    try {
      const result = handler.invoke(decode(invocation.payload), invocation.context);
      if (!isThenable(result)) {
        this.#succeed(handler, invocation, result);
        return undefined;
      }
      return Promise.resolve(result).then(
        (value) => this.#succeed(handler, invocation, value),
        (error: unknown) => this.#fail(handler, invocation, error),
      );
    } catch (error) {
      this.#fail(handler, invocation, error);
      return undefined;
    }
  }

  #succeed(handler: Handler, invocation: Invocation, value: unknown): void {
    let payload: Uint8Array;
    try {
      payload = encode(invocation.event, value, this.options.maxPayload);
    } catch (error) {
      // The value is too large or cannot be cloned: the caller gets the error now, and does not wait in vain.
      this.#fail(handler, invocation, error);
      return;
    }
    this.#answer(invocation, 'ok', payload);
  }

  #fail(handler: Handler, invocation: Invocation, error: unknown): void {
    if (invocation.deadline <= hostTime()) {
      const { event, source } = invocation.context;
      this.#log(
        `${handler.label} failed for '${event}' from ${placeOf(source)}, after its deadline: nobody waits`,
        error,
      );
    }
    this.#answer(
      invocation,
      'error',
      encodeError(invocation.event, error, { limit: this.options.maxPayload, stacks: this.options.stacks }),
    );
  }

  #answer(invocation: Invocation, outcome: Outcome, payload: Uint8Array): void {
    contextOf.release(invocation.context);
    try {
      invocation.answer(outcome, payload);
    } catch (error) {
      this.#logger.warn(`The answer (${outcome}) to '${invocation.event}' was lost: ${messageOf(error)}`);
    }
  }

  #track(work: Promise<void> | undefined): void {
    if (work === undefined) return;
    this.#inFlight++;
    void work.then(() => {
      if (--this.#inFlight > 0) return;
      const idle = this.#idle;
      this.#idle = [];
      for (const resolve of idle) resolve();
    });
  }

  #logBroadcast(handler: Handler, context: ClusterEventContext, error: unknown): void {
    const here = placeOf(this.bus.self.address);
    this.#log(
      `${handler.label} failed for broadcast '${context.event}' from ${placeOf(context.source)} in ${here}`,
      error,
    );
  }

  #log(what: string, error: unknown): void {
    if (isError(error)) this.#logger.error(`${what}: ${messageOf(error)}`, stackOf(error));
    else this.#logger.error(`${what}: it threw ${show(error)}`);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
