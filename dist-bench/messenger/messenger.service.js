var __decorate = (this && this.__decorate) || function (decorators, target, key, desc) {
    var c = arguments.length, r = c < 3 ? target : desc === null ? desc = Object.getOwnPropertyDescriptor(target, key) : desc, d;
    if (typeof Reflect === "object" && typeof Reflect.decorate === "function") r = Reflect.decorate(decorators, target, key, desc);
    else for (var i = decorators.length - 1; i >= 0; i--) if (d = decorators[i]) r = (c < 3 ? d(r) : c > 3 ? d(target, key, r) : d(target, key)) || r;
    return c > 3 && r && Object.defineProperty(target, key, r), r;
};
var __metadata = (this && this.__metadata) || function (k, v) {
    if (typeof Reflect === "object" && typeof Reflect.metadata === "function") return Reflect.metadata(k, v);
};
import { Injectable } from '@nestjs/common';
import { defer } from 'rxjs';
import { encode } from '../bus/codec.js';
import { ClusterDisabledError, InvalidArgumentError } from '../errors/index.js';
import { checkEvent, checkOptions, readTime, show } from './arguments.js';
import { publish } from './broadcast.js';
import { Connection } from './connection.js';
import { consume, readConsumeOptions } from './consume.js';
import { Deadline } from './deadline.js';
import { Listeners } from './listeners.js';
import { MapCall } from './map.js';
import { valueOf } from './outcome.js';
import { runOnce } from './run-once.js';
import { SlotRequest } from './slot-request.js';
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
let MessengerService = class MessengerService {
    #connection;
    #listeners;
    #settings;
    /** @internal */
    constructor(bus, registry, dispatcher, settings) {
        this.#connection = new Connection(bus, registry, dispatcher);
        this.#listeners = new Listeners(registry);
        this.#settings = settings;
    }
    /**
     * To the listeners of every ready worker, this one's own too, and of the primary; at most once. Those of
     * one sender arrive in order. Resolves when the bus took it, which waits while a receiver's queue is
     * full; what handlers do or throw does not come back. That nobody listens is fine.
     *
     * @throws BackpressureError when too many broadcasts wait already.
     */
    async broadcast(event, ...[data]) {
        const call = this.#describe('broadcast', event, this.#settings.timeout);
        await publish(this.#connection, call, this.#encode(event, data));
    }
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
    async consume(event, ...[data, options]) {
        const { label } = this.#describe('consume', event, 0);
        const policy = readConsumeOptions(label, options, this.#settings.timeout);
        return (await consume(this.#connection, label, event, this.#encode(event, data), policy));
    }
    /**
     * Asks every worker; resolves to the return values in order of slots. In each worker, the first
     * listener of the event answers. The workers are those ready now; while there is none, it waits.
     *
     * @throws MapError when one or more failed: its `failures` say who and why. NoHandlerError when no worker
     * has a listener. ClusterTimeoutError when no worker became ready.
     */
    async map(event, ...[data, options]) {
        return (await this.#map('map', event, data, options).values());
    }
    /** As `map`, but resolves to how each worker fared, in order of slots, whoever failed. */
    async mapSettled(event, ...[data, options]) {
        return (await this.#map('mapSettled', event, data, options).settled());
    }
    /**
     * As `map`, but gives each worker's value as it comes, and errors as `map` rejects once all are in. Each
     * subscription asks anew; unsubscribing stops waiting.
     */
    map$(event, ...[data, options]) {
        return defer(() => this.#map('map$', event, data, options).stream());
    }
    /**
     * To one slot's worker, or the primary; resolves to what its first listener returned. Waits while the
     * slot has no ready worker.
     *
     * @throws RemoteError with the handler's error, NoHandlerError, ClusterTimeoutError at the deadline,
     * MemberLostError when the worker died with the message, ClusterDisabledError for the primary where this
     * process runs standalone.
     */
    async send(to, event, ...[data, options]) {
        const call = this.#describe('send', event, this.#settings.timeout, options, `${show(to)}, `);
        this.#checkAddress(call.label, to);
        const deadline = new Deadline(call.timeout);
        const request = new SlotRequest(this.#connection, call, to, this.#encode(event, data), deadline);
        const answer = await this.#connection.call(call.label, deadline, (signal) => request.send(signal), request.expired);
        return valueOf(answer, call, to === 'primary' ? 'the primary' : `slot ${to}`);
    }
    /**
     * Runs `fn` in one of the processes that call it with the same key, once in the cluster's life (or per
     * `ttl`), and resolves to its result in all of them, as a clone. If the process that runs it dies,
     * another one that waits runs it. May be awaited while the app boots.
     *
     * @throws What `fn` threw: the error itself where it ran, a RemoteError in those that waited. A failure is
     * not kept: the next call runs `fn` again. ClusterTimeoutError if `timeout` is given and passes.
     */
    async runOnce(key, fn, options) {
        const errors = { limit: this.#settings.maxPayload, stacks: this.#settings.stacks };
        return (await runOnce(this.#connection, errors, key, fn, options));
    }
    /**
     * Adds a listener, as `@OnClusterEvent` does for a method, without guards, pipes and the like. Returns a
     * function that removes it.
     */
    on(event, listener) {
        return this.#listeners.add('on', event, listener);
    }
    /** As `on`, for one event: it is removed before it runs. */
    once(event, listener) {
        return this.#listeners.add('once', event, listener);
    }
    /** Removes a listener that `on` or `once` added; does nothing if there is none. */
    off(event, listener) {
        this.#listeners.remove(event, listener);
    }
    /**
     * The broadcasts of an event, as `{ data, context }`, while subscribed. It watches only: it is no handler
     * for `map`, `send` and `consume`. What a subscriber throws is RxJS's to report, as everywhere.
     */
    events$(event) {
        return this.#listeners.watch(event);
    }
    /** Joins the bus; the module calls it. @internal */
    open() {
        return this.#connection.open();
    }
    /** Leaves the bus; calls that wait, and later ones, reject. The module calls it. @internal */
    close() {
        return this.#connection.close();
    }
    #map(method, event, data, options) {
        const call = this.#describe(method, event, this.#settings.timeout, options);
        return new MapCall(this.#connection, call, this.#encode(event, data), new Deadline(call.timeout));
    }
    #describe(method, event, fallback, options, before = '') {
        checkEvent(method, event);
        const label = `${method}(${before}'${event}')`;
        checkOptions(label, options, ['timeout']);
        return { label, event, timeout: readTime(label, 'timeout', options?.timeout, fallback) };
    }
    #encode(event, data) {
        return encode(event, data, this.#settings.maxPayload);
    }
    #checkAddress(call, to) {
        if (to === 'primary') {
            if (this.#settings.standalone)
                throw new ClusterDisabledError(call);
            return;
        }
        const slots = this.#settings.slots?.();
        if (Number.isSafeInteger(to) && to >= 0 && (slots === undefined || to < slots))
            return;
        throw new InvalidArgumentError(`${call}: the address must be 'primary' or a slot${slots === undefined ? ' (0, 1, …)' : `, 0 to ${slots - 1}`}.`);
    }
};
MessengerService = __decorate([
    Injectable(),
    __metadata("design:paramtypes", [Object, Function, Function, Object])
], MessengerService);
export { MessengerService };
//# sourceMappingURL=messenger.service.js.map