import { Logger } from '@nestjs/common';
import { ReplaySubject } from 'rxjs';
import { decode, encode } from '../bus/codec.js';
import { LOG_CONTEXT } from '../cluster.constants.js';
import { show } from './arguments.js';
import { ClusterEventContext, releaseContext } from './cluster-event-context.js';
import { encodeError } from './remote-errors.js';
import { TaskLane } from './task-lane.js';
const NOTHING = new Uint8Array(0);
/** Receives what the bus delivers to this process and runs the handlers for it. */
export class Dispatcher {
    bus;
    registry;
    options;
    #logger = new Logger(LOG_CONTEXT);
    #members = new ReplaySubject(1);
    #lanes = new WeakMap();
    #inFlight = 0;
    #idle = [];
    #closed;
    constructor(bus, registry, options) {
        this.bus = bus;
        this.registry = registry;
        this.options = options;
    }
    /** Handlers that run, and tasks that were accepted and wait for their turn. */
    get inFlight() {
        return this.#inFlight;
    }
    /** Resolves when nothing is in flight, at once if nothing is. */
    idle() {
        return this.#inFlight === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
    }
    /** The ready workers as last heard, then after each change; completes when the bus is gone. */
    get members$() {
        return this.#members.asObservable();
    }
    /** Why the bus is gone, once it is. */
    get closed() {
        return this.#closed;
    }
    onMembers(members) {
        this.#members.next(members);
    }
    onClosed(reason) {
        this.#closed ??= reason;
        this.#members.complete();
    }
    onPublish({ event, payload, from, id }) {
        for (const handler of this.registry.listeners(event)) {
            const context = new ClusterEventContext(event, `${from}.${id}`, from, 1, Infinity);
            const failed = (error) => this.#logBroadcast(handler, context, error);
            try {
                // Decoded for each: what one handler does to its data is no business of the next.
                const result = handler.invoke(decode(payload), context);
                if (isThenable(result))
                    this.#track(Promise.resolve(result).then(undefined, failed));
            }
            catch (error) {
                failed(error);
            }
        }
    }
    onRequest(request) {
        const { event, payload, deadline, from, fromId, id } = request;
        const answer = (outcome, value) => this.bus.reply(request, outcome, value);
        const context = new ClusterEventContext(event, `${fromId}.${id}`, from, 1, deadline);
        const handler = this.registry.answerer(event);
        const errand = { event, payload, deadline, context, answer };
        if (handler === undefined)
            this.#answer(errand, 'no-handler', NOTHING);
        else
            this.#track(this.#run(handler, errand));
    }
    onTask(task) {
        const { event, payload, deadline, from, id, key, attempt } = task;
        const answer = (outcome, value) => this.bus.settle(task, outcome, value);
        const context = new ClusterEventContext(event, key ?? `task.${id}`, from, attempt, deadline);
        const handler = this.registry.consumer(event);
        const errand = { event, payload, deadline, context, answer };
        if (handler === undefined)
            this.#answer(errand, 'no-handler', NOTHING);
        else if (handler.concurrency === undefined)
            this.#track(this.#run(handler, errand));
        else
            this.#track(this.#runInTurn(handler, handler.concurrency, errand));
    }
    /** Runs the task once fewer than `concurrency` others of its handler do. */
    #runInTurn(handler, concurrency, errand) {
        return new Promise((done) => {
            this.#lane(handler, concurrency).run(() => {
                const running = this.#run(handler, errand);
                if (running === undefined)
                    done();
                return running?.then(done);
            });
        });
    }
    #lane(handler, concurrency) {
        let lane = this.#lanes.get(handler);
        if (lane === undefined)
            this.#lanes.set(handler, (lane = new TaskLane(concurrency)));
        return lane;
    }
    /** Runs one handler and answers. Returns undefined where that is done already; never rejects. */
    #run(handler, errand) {
        if (errand.deadline <= Date.now()) {
            this.#answer(errand, 'expired', NOTHING);
            return undefined;
        }
        try {
            const result = handler.invoke(decode(errand.payload), errand.context);
            if (!isThenable(result)) {
                this.#succeed(handler, errand, result);
                return undefined;
            }
            return Promise.resolve(result).then((value) => this.#succeed(handler, errand, value), (error) => this.#fail(handler, errand, error));
        }
        catch (error) {
            this.#fail(handler, errand, error);
            return undefined;
        }
    }
    #succeed(handler, errand, value) {
        let payload;
        try {
            payload = encode(errand.event, value, this.options.maxPayload);
        }
        catch (error) {
            // Too large, or nothing that can be cloned: the caller must hear of it, not wait.
            this.#fail(handler, errand, error);
            return;
        }
        this.#answer(errand, 'ok', payload);
    }
    #fail(handler, errand, error) {
        if (errand.deadline <= Date.now()) {
            const { event, source } = errand.context;
            this.#log(`${handler.label} failed for '${event}' from ${place(source)}, after its deadline: nobody waits`, error);
        }
        this.#answer(errand, 'error', encodeError(errand.event, error, { limit: this.options.maxPayload, stacks: this.options.stacks }));
    }
    #answer(errand, outcome, payload) {
        releaseContext(errand.context);
        try {
            errand.answer(outcome, payload);
        }
        catch (error) {
            this.#logger.warn(`The answer (${outcome}) to '${errand.event}' was lost: ${error.message}`);
        }
    }
    #track(work) {
        if (work === undefined)
            return;
        this.#inFlight++;
        void work.then(() => {
            if (--this.#inFlight > 0)
                return;
            const idle = this.#idle;
            this.#idle = [];
            for (const resolve of idle)
                resolve();
        });
    }
    #logBroadcast(handler, context, error) {
        const here = place(this.bus.self.address);
        this.#log(`${handler.label} failed for broadcast '${context.event}' from ${place(context.source)} in ${here}`, error);
    }
    #log(what, error) {
        if (error instanceof Error)
            this.#logger.error(`${what}: ${error.message}`, error.stack);
        else
            this.#logger.error(`${what}: it threw ${show(error)}`);
    }
}
function place(address) {
    return address === 'primary' ? 'the primary' : `slot ${address}`;
}
function isThenable(value) {
    return typeof value?.then === 'function';
}
//# sourceMappingURL=dispatcher.js.map