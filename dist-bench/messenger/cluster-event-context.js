import { ClusterTimeoutError } from '../errors/index.js';
import { MAX_TIMER_MS } from './deadline.js';
/** Drops the timer behind `context.signal`, if there is one: its handler is done. */
export let releaseContext;
/**
 * What a handler may know of an event beside its data.
 *
 * @publicApi
 */
export class ClusterEventContext {
    event;
    id;
    source;
    attempt;
    deadline;
    #controller;
    #timer;
    constructor(
    /** The event's name. */
    event, 
    /** Identifies the message; of a task, the caller's `id` where it gave one. */
    id, 
    /** Who sent it: a slot, or `'primary'`. */
    source, 
    /** 1, or more when a task runs again after a worker died or its handler threw. */
    attempt, 
    /** Unix time in ms after which nobody waits for the result; Infinity for none, as in a broadcast. */
    deadline) {
        this.event = event;
        this.id = id;
        this.source = source;
        this.attempt = attempt;
        this.deadline = deadline;
    }
    /**
     * Aborts at the deadline, with a `ClusterTimeoutError` as its reason; never for an event without one,
     * and not after the handler is done. Costs nothing unless it is read.
     */
    get signal() {
        if (this.#controller === undefined) {
            this.#controller = new AbortController();
            if (this.deadline !== Infinity)
                this.#watch(this.#controller);
        }
        return this.#controller.signal;
    }
    #watch(controller) {
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
//# sourceMappingURL=cluster-event-context.js.map