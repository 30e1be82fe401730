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
  /** How long to wait for answers, in ms; Infinity for ever. Default: `messenger.timeout`. */
  readonly timeout?: number;
}

/** What the messenger is set up with. */
export interface MessengerSettings {
  /** Deadline of a call that names none, in ms. */
  readonly timeout: number;
  /** Largest encoded payload, in bytes. */
  readonly maxPayload: number;
  /** Whether the stack of an error in `runOnce` travels to those who wait for it. */
  readonly stacks: boolean;
  /** How many slots there are, where that is known. */
  readonly slots?: () => number | undefined;
  /** This process is a cluster of one: there is no primary to send to. */
  readonly standalone?: boolean;
}

/**
 * Talks to the workers of the cluster, from a worker, the primary or standalone alike.
 *
 * Data and results are cloned on the way as by structuredClone. Handlers run in no AsyncLocalStorage context, the
 * sender's neither: send what they need. An Observable's subscriber is called in the context in which it subscribed. Calls made before the cluster's bus is
 * open wait for it, up to their deadline. All calls reject with `InvalidArgumentError` for arguments that
 * cannot be used, `PayloadNotCloneableError` and `PayloadTooLargeError` for data that cannot be sent, and
 * `NotConnectedError` when the bus is gone.
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
   * To the listeners of every ready worker, this one's own too, and of the primary; at most once. Those of
   * one sender arrive in order. Resolves when the bus took it, which waits while a receiver's queue is
   * full; what handlers do or throw does not come back. That nobody listens is fine.
   *
   * @throws BackpressureError when too many broadcasts wait already.
   */
  broadcast<E extends EventName>(event: E, ...[data]: EventArguments<E>): Promise<void> {
    return promised(() => {
      const call = this.#describe('broadcast', event, this.#settings.timeout);
      return publish(this.#connection, call, this.#encode(event, data));
    });
  }

  /**
   * A task for one worker, the least busy that has a handler: one with `@ConsumeOnce(event)`, else a
   * listener. Resolves to what the handler returned. Waits while no worker is ready.
   *
   * At least once: if the worker dies, another one runs it. An error of the handler is not retried unless
   * `attempts` says so. `signal` gives the task up.
   *
   * @throws RemoteError with the handler's error, NoHandlerError, ClusterTimeoutError at the deadline,
   * MemberLostError when the redeliveries are used up.
   */
  consume<E extends EventName>(
    event: E,
    ...[data, options]: EventArguments<E, ConsumeOptions>
  ): Promise<EventResult<E>> {
    return promised(() => this.#consume('consume', event, data, options)() as Promise<EventResult<E>>);
  }

  /**
   * As `consume`, but gives what the handler says by `context.progress(value)` on the way, then the result, and
   * completes. Each subscription is a task of its own; unsubscribing gives it up, as `signal` does.
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
   * Asks every worker; resolves to the return values in order of slots. In each worker, the first
   * listener of the event answers. The workers are those ready now; while there is none, it waits.
   *
   * @throws MapError when one or more failed: its `failures` say who and why. NoHandlerError when no worker
   * has a listener. ClusterTimeoutError when no worker became ready.
   */
  map<E extends EventName>(event: E, ...[data, options]: EventArguments<E, CallOptions>): Promise<EventResult<E>[]> {
    return promised(() => this.#map('map', event, data, options).values() as Promise<EventResult<E>[]>);
  }

  /** As `map`, but resolves to how each worker fared, in order of slots, whoever failed. */
  mapSettled<E extends EventName>(
    event: E,
    ...[data, options]: EventArguments<E, CallOptions>
  ): Promise<MapOutcome<EventResult<E>>[]> {
    const call = () => this.#map('mapSettled', event, data, options).settled();
    return promised(() => call() as Promise<MapOutcome<EventResult<E>>[]>);
  }

  /**
   * As `map`, but gives each worker's value as it comes, and errors as `map` rejects once all are in. Each
   * subscription asks anew; unsubscribing stops waiting.
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
   * To one slot's worker, or the primary; resolves to what its first listener returned. Waits while the
   * slot has no ready worker.
   *
   * @throws RemoteError with the handler's error, NoHandlerError, ClusterTimeoutError at the deadline,
   * MemberLostError when the worker died with the message, ClusterDisabledError for the primary where this
   * process runs standalone.
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
        new SendRequest(new Deadline(call.timeout), this.#connection, call, to, payload, fulfil, reject).wait((part) =>
          this.#connection.whenOpen(call.label, part, sendNow),
        );
      });
    });
  }

  /**
   * Runs `fn` in one of the processes that call it with the same key, once in the cluster's life (or per
   * `ttl`), and resolves to its result in all of them, as a clone. If the process that runs it dies,
   * another one that waits runs it. May be awaited while the app boots.
   *
   * @throws What `fn` threw: the error itself where it ran, a RemoteError in those that waited. A failure is
   * not kept: the next call runs `fn` again. ClusterTimeoutError if `timeout` is given and passes.
   */
  async runOnce<T>(key: string, fn: (run: OnceRun) => T | Promise<T>, options?: RunOnceOptions): Promise<T> {
    const errors = { limit: this.#settings.maxPayload, stacks: this.#settings.stacks };
    return (await runOnce(this.#connection, errors, key, fn, options)) as T;
  }

  /**
   * Adds a listener, as `@OnClusterEvent` does for a method, without guards, pipes and the like. Returns a
   * function that removes it.
   */
  on<E extends EventName>(event: E, listener: ClusterEventHandler<E>): () => void {
    return this.#listeners.add('on', event, listener);
  }

  /** As `on`, for one event: it is removed before it runs. */
  once<E extends EventName>(event: E, listener: ClusterEventHandler<E>): () => void {
    return this.#listeners.add('once', event, listener);
  }

  /** Removes a listener that `on` or `once` added; does nothing if there is none. */
  off<E extends EventName>(event: E, listener: ClusterEventHandler<E>): void {
    this.#listeners.remove(event, listener);
  }

  /**
   * The broadcasts of an event, as `{ data, context }`, while subscribed. It watches only: it is no handler
   * for `map`, `send` and `consume`. What a subscriber throws is RxJS's to report, as everywhere.
   */
  events$<E extends EventName>(event: E): Observable<ClusterEvent<E>> {
    return this.#listeners.watch(event) as Observable<ClusterEvent<E>>;
  }

  /** The container is closed: later calls reject. The module calls it. @internal */
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

/** Without `show` where it can be used: that alone takes several times what the rest of a call does. */
const nameOf = (to: unknown): string => (typeof to === 'number' ? `${to}` : to === 'primary' ? `'primary'` : show(to));

const sendNow = (request: SendRequest): void => request.send();

/** What is wrong with the arguments of a call is a rejection too; lighter than an async function around each call. */
function promised<T>(call: () => Promise<T>): Promise<T> {
  try {
    return call();
  } catch (error) {
    return Promise.reject(error);
  }
}
