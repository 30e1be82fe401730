import type { Address } from '../bus/bus.interface.js';
/** Drops the timer behind `context.signal`, if there is one: its handler is done. */
export declare let releaseContext: (context: ClusterEventContext) => void;
/**
 * What a handler may know of an event beside its data.
 *
 * @publicApi
 */
export declare class ClusterEventContext {
    #private;
    /** The event's name. */
    readonly event: string;
    /** Identifies the message; of a task, the caller's `id` where it gave one. */
    readonly id: string;
    /** Who sent it: a slot, or `'primary'`. */
    readonly source: Address;
    /** 1, or more when a task runs again after a worker died or its handler threw. */
    readonly attempt: number;
    /** Unix time in ms after which nobody waits for the result; Infinity for none, as in a broadcast. */
    readonly deadline: number;
    constructor(
    /** The event's name. */
    event: string, 
    /** Identifies the message; of a task, the caller's `id` where it gave one. */
    id: string, 
    /** Who sent it: a slot, or `'primary'`. */
    source: Address, 
    /** 1, or more when a task runs again after a worker died or its handler threw. */
    attempt: number, 
    /** Unix time in ms after which nobody waits for the result; Infinity for none, as in a broadcast. */
    deadline: number);
    /**
     * Aborts at the deadline, with a `ClusterTimeoutError` as its reason; never for an event without one,
     * and not after the handler is done. Costs nothing unless it is read.
     */
    get signal(): AbortSignal;
}
