import type { Frame } from './frame.js';
import type { Seat } from './seat.js';
/** Somebody waiting for a task's result. */
export interface Caller {
    readonly seat: Seat;
    /** Its own number of the call. */
    readonly call: number;
}
/** A task between being asked for and having ended. */
export declare class QueuedTask {
    readonly id: number;
    readonly event: string;
    /** Event and key together, where the caller gave a key. */
    readonly key: string | undefined;
    /** What goes to the worker; kept for the next one. */
    readonly frame: Frame;
    /** Unix time in ms after which none of the callers waits. */
    deadline: number;
    /** How often it may yet go to another worker after its runner died. */
    redeliveries: number;
    /** How often it may yet run, the next time included. */
    attempts: number;
    /** Those who get the result; more than one where calls share a key. */
    readonly callers: Caller[];
    /** The worker that runs it. */
    runner: Seat | undefined;
    /** How often it was given to a worker. */
    attempt: number;
    constructor(id: number, event: string, 
    /** Event and key together, where the caller gave a key. */
    key: string | undefined, 
    /** What goes to the worker; kept for the next one. */
    frame: Frame, 
    /** Unix time in ms after which none of the callers waits. */
    deadline: number, 
    /** How often it may yet go to another worker after its runner died. */
    redeliveries: number, 
    /** How often it may yet run, the next time included. */
    attempts: number);
}
