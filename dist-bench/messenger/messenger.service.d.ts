import type { Observable } from 'rxjs';
import type { Bus } from '../bus/bus.interface.js';
import type { HandlerRegistry } from '../handlers/index.js';
import type { ClusterEvent, ClusterEventHandler, EventArguments, EventName, EventResult } from './cluster-events.js';
import type { ConsumeOptions } from './consume.js';
import type { Dispatcher } from './dispatcher.js';
import type { MapOutcome, MapValue } from './map.js';
import type { RunOnceOptions } from './run-once.js';
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
 * Data and results are cloned on the way as by structuredClone. Calls made before the cluster's bus is
 * open wait for it, up to their deadline. All calls reject with `InvalidArgumentError` for arguments that
 * cannot be used, `PayloadNotCloneableError` and `PayloadTooLargeError` for data that cannot be sent, and
 * `NotConnectedError` when the bus is gone.
 *
 * @publicApi
 */
export declare class MessengerService {
    #private;
    /** @internal */
    constructor(bus: Bus, registry: HandlerRegistry, dispatcher: Dispatcher, settings: MessengerSettings);
    /**
     * To the listeners of every ready worker, this one's own too, and of the primary; at most once. Those of
     * one sender arrive in order. Resolves when the bus took it, which waits while a receiver's queue is
     * full; what handlers do or throw does not come back. That nobody listens is fine.
     *
     * @throws BackpressureError when too many broadcasts wait already.
     */
    broadcast<E extends EventName>(event: E, ...[data]: EventArguments<E>): Promise<void>;
    /**
     * A task for one worker, the least busy that has a handler: one with `@ConsumeOnce(event)`, else a
     * listener. Resolves to what the handler returned. Waits while no worker is ready.
     *
     * At least once: if the worker dies, another one runs it. An error of the handler is not retried unless
     * `attempts` says so.
     *
     * @throws RemoteError with the handler's error, NoHandlerError, ClusterTimeoutError at the deadline,
     * MemberLostError when the redeliveries are used up.
     */
    consume<E extends EventName>(event: E, ...[data, options]: EventArguments<E, ConsumeOptions>): Promise<EventResult<E>>;
    /**
     * Asks every worker; resolves to the return values in order of slots. In each worker, the first
     * listener of the event answers. The workers are those ready now; while there is none, it waits.
     *
     * @throws MapError when one or more failed: its `failures` say who and why. NoHandlerError when no worker
     * has a listener. ClusterTimeoutError when no worker became ready.
     */
    map<E extends EventName>(event: E, ...[data, options]: EventArguments<E, CallOptions>): Promise<EventResult<E>[]>;
    /** As `map`, but resolves to how each worker fared, in order of slots, whoever failed. */
    mapSettled<E extends EventName>(event: E, ...[data, options]: EventArguments<E, CallOptions>): Promise<MapOutcome<EventResult<E>>[]>;
    /**
     * As `map`, but gives each worker's value as it comes, and errors as `map` rejects once all are in. Each
     * subscription asks anew; unsubscribing stops waiting.
     */
    map$<E extends EventName>(event: E, ...[data, options]: EventArguments<E, CallOptions>): Observable<MapValue<EventResult<E>>>;
    /**
     * To one slot's worker, or the primary; resolves to what its first listener returned. Waits while the
     * slot has no ready worker.
     *
     * @throws RemoteError with the handler's error, NoHandlerError, ClusterTimeoutError at the deadline,
     * MemberLostError when the worker died with the message, ClusterDisabledError for the primary where this
     * process runs standalone.
     */
    send<E extends EventName>(to: number | 'primary', event: E, ...[data, options]: EventArguments<E, CallOptions>): Promise<EventResult<E>>;
    /**
     * Runs `fn` in one of the processes that call it with the same key, once in the cluster's life (or per
     * `ttl`), and resolves to its result in all of them, as a clone. If the process that runs it dies,
     * another one that waits runs it. May be awaited while the app boots.
     *
     * @throws What `fn` threw: the error itself where it ran, a RemoteError in those that waited. A failure is
     * not kept: the next call runs `fn` again. ClusterTimeoutError if `timeout` is given and passes.
     */
    runOnce<T>(key: string, fn: () => T | Promise<T>, options?: RunOnceOptions): Promise<T>;
    /**
     * Adds a listener, as `@OnClusterEvent` does for a method, without guards, pipes and the like. Returns a
     * function that removes it.
     */
    on<E extends EventName>(event: E, listener: ClusterEventHandler<E>): () => void;
    /** As `on`, for one event: it is removed before it runs. */
    once<E extends EventName>(event: E, listener: ClusterEventHandler<E>): () => void;
    /** Removes a listener that `on` or `once` added; does nothing if there is none. */
    off<E extends EventName>(event: E, listener: ClusterEventHandler<E>): void;
    /**
     * The broadcasts of an event, as `{ data, context }`, while subscribed. It watches only: it is no handler
     * for `map`, `send` and `consume`. What a subscriber throws is RxJS's to report, as everywhere.
     */
    events$<E extends EventName>(event: E): Observable<ClusterEvent<E>>;
    /** Joins the bus; the module calls it. @internal */
    open(): Promise<void>;
    /** Leaves the bus; calls that wait, and later ones, reject. The module calls it. @internal */
    close(): Promise<void>;
}
