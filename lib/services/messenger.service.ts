import { Injectable } from '@nestjs/common';
import { defer, type Observable } from 'rxjs';
import { encode } from '../codec/codec.js';
import type { Address } from '../bus/bus.interface.js';
import { ClusterDisabledError, InvalidArgumentError } from '../errors/errors.js';
import type { HandlerScope } from '../handlers/handler-scope.js';
import { inSubscribersContext } from '../platform/subscriber-context.js';
import { checkEvent, checkOptions, readTime, show } from '../messenger/arguments.js';
import type {
  ClusterEvent,
  ClusterEventHandler,
  EventArguments,
  EventName,
  EventResult,
} from '../events/cluster-events.js';
import { publish } from '../messenger/broadcast.js';
import type { BusConnection } from '../messenger/bus-connection.js';
import { type ConsumeOptions, type TaskEvent, consume, readConsumeOptions, taskEvents } from '../messenger/consume.js';
import { Deadline } from '../messenger/deadline.js';
import { AddedListeners } from '../messenger/added-listeners.js';
import { type MapOutcome, type MapValue, MapCall } from '../messenger/map.js';
import { type OnceRun, type RunOnceOptions, runOnce } from '../messenger/run-once.js';
import { SendRequest } from '../messenger/slot-request.js';

/** Options of `map`, `mapSettled`, `map$` and `send`. @publicApi */
export interface CallOptions {
  /** How long to wait for answers, in ms; Infinity to wait forever. Default: `messenger.timeout`. */
  readonly timeout?: number;
}

/** Settings of the messenger. */
export interface MessengerSettings {
  /** Timeout of a call that sets none, in ms. */
  readonly timeout: number;
  /** Largest encoded payload, in bytes. */
  readonly maxPayload: number;
  /** Whether callers of `runOnce` get the stack of an error that `fn` threw in another process. */
  readonly stacks: boolean;
  /** The number of slots; undefined where it is not known. */
  readonly slots?: () => number | undefined;
  /** This process is a cluster of one: there is no primary to send to. */
  readonly standalone?: boolean;
}

/**
 * Sends messages to the workers of the cluster. Works the same in a worker, in the primary and in a standalone process.
 *
 * Data and results are cloned on the way, as by structuredClone. Handlers do not run in the sender's AsyncLocalStorage
 * context or in any other, so send them what they need. An Observable calls its subscriber in the context in which it
 * subscribed. Calls made before the cluster's bus is open wait for it, up to their deadline. All calls reject with
 * `InvalidArgumentError` for invalid arguments, `PayloadNotCloneableError` and `PayloadTooLargeError` for data that
 * cannot be sent, and `NotConnectedError` when the bus is gone.
 *
 * @publicApi
 */
@Injectable()
export class MessengerService {
  #connection: BusConnection;
  readonly #listeners: AddedListeners;
  readonly #settings: MessengerSettings;

  /** @internal */
  constructor(
    connection: BusConnection,
    settings: MessengerSettings,
    handlers: Pick<HandlerScope, 'addListener' | 'removeListener'> = connection.registry,
  ) {
    this.#connection = connection;
    this.#listeners = new AddedListeners(handlers);
    this.#settings = settings;
  }

  /**
   * Sends the event to the listeners of every ready worker, including this one, and of the primary, at most once each.
   * Events of one sender arrive in order. Resolves when the bus has accepted the event; it waits while a receiver's
   * queue is full. What the handlers return or throw does not come back. It is no error if there is no listener.
   *
   * @throws BackpressureError if too many broadcasts are already waiting.
   */
  broadcast<E extends EventName>(event: E, ...[data]: EventArguments<E>): Promise<void> {
    return promised(() => {
      const call = this.#describe('broadcast', event, this.#settings.timeout);
      return publish(this.#connection, call, this.#encode(event, data));
    });
  }

  /**
   * Gives a task to one worker, the least busy that has a handler for it: a method with `@ConsumeOnce(event)`, or
   * otherwise a listener. Resolves to the handler's return value. Waits while no worker is ready.
   *
   * Runs at least once: if the worker dies, another one runs the task. An error of the handler is not retried unless
   * `attempts` says so. Abort `signal` to give up the task.
   *
   * @throws RemoteError with the handler's error, NoHandlerError, ClusterTimeoutError at the deadline,
   * MemberLostError if the worker died and no redelivery is left.
   */
  consume<E extends EventName>(
    event: E,
    ...[data, options]: EventArguments<E, ConsumeOptions>
  ): Promise<EventResult<E>> {
    return promised(() => this.#consume('consume', event, data, options)() as Promise<EventResult<E>>);
  }

  /**
   * As `consume`, but emits what the handler passes to `context.progress(value)`, then the result, and then completes.
   * Each subscription is a separate task; unsubscribing gives it up, as aborting `signal` does.
   */
  consume$<E extends EventName>(
    event: E,
    ...[data, options]: EventArguments<E, ConsumeOptions>
  ): Observable<TaskEvent<EventResult<E>>> {
    const events = defer(() => {
      const start = this.#consume('consume$', event, data, options);
      return taskEvents(options?.signal, start) as Observable<TaskEvent<EventResult<E>>>;
    });
    return inSubscribersContext(events);
  }

  /**
   * Asks every worker and resolves to the return values, in order of hosts and slots. In each worker, the event's first
   * listener answers. Asks the workers that are ready now; if there are none, waits until one is.
   *
   * @throws MapError if one or more workers failed; its `failures` say which and why. NoHandlerError if no worker
   * has a listener. ClusterTimeoutError if no worker became ready.
   */
  map<E extends EventName>(event: E, ...[data, options]: EventArguments<E, CallOptions>): Promise<EventResult<E>[]> {
    return promised(() => this.#map('map', event, data, options).values() as Promise<EventResult<E>[]>);
  }

  /** As `map`, but also resolves if workers fail: to the outcome of each worker, in order of hosts and slots. */
  mapSettled<E extends EventName>(
    event: E,
    ...[data, options]: EventArguments<E, CallOptions>
  ): Promise<MapOutcome<EventResult<E>>[]> {
    const call = () => this.#map('mapSettled', event, data, options).settled();
    return promised(() => call() as Promise<MapOutcome<EventResult<E>>[]>);
  }

  /**
   * As `map`, but emits each worker's value as it arrives. If workers failed, errors as `map` rejects, after all have
   * answered. Each subscription asks again; unsubscribing stops waiting.
   */
  map$<E extends EventName>(
    event: E,
    ...[data, options]: EventArguments<E, CallOptions>
  ): Observable<MapValue<EventResult<E>>> {
    const values = defer(
      () => this.#map('map$', event, data, options).stream() as Observable<MapValue<EventResult<E>>>,
    );
    return inSubscribersContext(values);
  }

  /**
   * Sends the event to the worker of one slot, or to the primary, and resolves to the return value of its first
   * listener. Waits while the slot has no ready worker.
   *
   * @throws RemoteError with the handler's error, NoHandlerError, ClusterTimeoutError at the deadline,
   * MemberLostError if the worker died after it received the message, ClusterDisabledError for `'primary'` in a
   * standalone process.
   */
  send<E extends EventName>(
    to: number | 'primary',
    event: E,
    ...[data, options]: EventArguments<E, CallOptions>
  ): Promise<EventResult<E>> {
    return promised(() => {
      const call = this.#describe('send', event, this.#settings.timeout, options, `${nameOf(to)}, `);
      this.#checkAddress(call.label, to);
      const payload = this.#encode(event, data);
      return new Promise((resolve, reject) => {
        const fulfil = resolve as (value: unknown) => void;
        new SendRequest(new Deadline(call.timeout), this.#connection, call, to, payload, fulfil, reject).wait(
          (pending) => this.#connection.whenOpen(call.label, pending, sendNow),
        );
      });
    });
  }

  /**
   * Runs `fn` in one of the processes that call it with the same key, once in the lifetime of the cluster (or once per
   * `ttl`). Resolves to a clone of its result in all of them. If the process that runs it dies, another process that
   * waits runs it. May be awaited while the app boots.
   *
   * @throws What `fn` threw: the error itself in the process that ran it, a RemoteError in the others. A failure is
   * not kept: the next call runs `fn` again. ClusterTimeoutError if `timeout` is given and passes.
   */
  async runOnce<T>(key: string, fn: (run: OnceRun) => T | Promise<T>, options?: RunOnceOptions): Promise<T> {
    const errors = { limit: this.#settings.maxPayload, stacks: this.#settings.stacks };
    return (await runOnce(this.#connection, errors, key, fn, options)) as T;
  }

  /**
   * Adds a listener, as `@OnClusterEvent` does for a method, but without guards, pipes, interceptors and filters.
   * Returns a function that removes it.
   */
  on<E extends EventName>(event: E, listener: ClusterEventHandler<E>): () => void {
    return this.#listeners.add('on', event, listener);
  }

  /** As `on`, but for one event only: the listener is removed before it runs. */
  once<E extends EventName>(event: E, listener: ClusterEventHandler<E>): () => void {
    return this.#listeners.add('once', event, listener);
  }

  /** Removes a listener that `on` or `once` added; does nothing if there is none. */
  off<E extends EventName>(event: E, listener: ClusterEventHandler<E>): void {
    this.#listeners.remove(event, listener);
  }

  /**
   * Emits the broadcasts of an event as `{ data, context }` while subscribed. It only watches: it does not answer
   * `map`, `send` or `consume`. RxJS reports what a subscriber throws, as it does everywhere.
   */
  events$<E extends EventName>(event: E): Observable<ClusterEvent<E>> {
    return this.#listeners.watch(event) as Observable<ClusterEvent<E>>;
  }

  /** Called by the module when its container is closed: later calls reject. @internal */
  close(): void {
    this.#connection = this.#connection.refusing();
  }

  #consume(method: string, event: string, data: unknown, options: ConsumeOptions | undefined) {
    const { label } = this.#describe(method, event, 0);
    const policy = readConsumeOptions(label, options, this.#settings.timeout);
    const payload = this.#encode(event, data);
    return (signal = policy.signal, onProgress?: (value: unknown) => void) =>
      consume(this.#connection, label, event, payload, { ...policy, signal }, onProgress);
  }

  #map(method: string, event: string, data: unknown, options: CallOptions | undefined): MapCall {
    const call = this.#describe(method, event, this.#settings.timeout, options);
    return new MapCall(this.#connection, call, this.#encode(event, data), new Deadline(call.timeout));
  }

  #describe(method: string, event: string, fallback: number, options?: CallOptions, before = '') {
    checkEvent(method, event);
    const label = `${method}(${before}'${event}')`;
    checkOptions(label, options, ['timeout']);
    return { label, event, timeout: readTime(label, 'timeout', options?.timeout, fallback) };
  }

  #encode(event: string, data: unknown): Uint8Array {
    return encode(event, data, this.#settings.maxPayload);
  }

  #checkAddress(call: string, to: Address): void {
    if (to === 'primary') {
      if (this.#settings.standalone) throw new ClusterDisabledError(call);
      return;
    }
    const slots = this.#settings.slots?.();
    if (Number.isSafeInteger(to) && to >= 0 && (slots === undefined || to < slots)) return;
    throw new InvalidArgumentError(
      `${call}: the address must be 'primary' or a slot${slots === undefined ? ' (0, 1, …)' : `, 0 to ${slots - 1}`}.`,
    );
  }
}

/** Avoids `show` for valid addresses: `show` alone takes several times as long as the rest of a call. */
const nameOf = (to: unknown): string => (typeof to === 'number' ? `${to}` : to === 'primary' ? `'primary'` : show(to));

const sendNow = (request: SendRequest): void => request.send();

/** Turns a thrown argument error into a rejection. Costs less than an async function around each call. */
function promised<T>(call: () => Promise<T>): Promise<T> {
  try {
    return call();
  } catch (error) {
    return Promise.reject(error);
  }
}
