import type { TaskRequest } from '../bus/bus.interface.js';
import type { Connection } from './connection.js';
/** @publicApi */
export interface ConsumeOptions {
    /** How long to wait for the result, in ms; Infinity for ever. Default: `messenger.timeout`. */
    readonly timeout?: number;
    /**
     * Makes duplicates one: calls with the same event and id share one execution and its result, whichever
     * worker they come from, while the task waits or runs and for a while after.
     */
    readonly id?: string;
    /** How often the handler may run in all if it throws. Default 1: its error is final. */
    readonly attempts?: number;
    /** How often another worker takes over after the one that ran the task died. Default 2. */
    readonly redeliveries?: number;
    /**
     * `'at-most-once'`: never delivered again, whatever happens. Default `'at-least-once'`: a worker's death
     * may mean that the handler runs twice.
     */
    readonly delivery?: 'at-least-once' | 'at-most-once';
}
type Policy = Pick<TaskRequest, 'key' | 'redeliveries' | 'attempts'> & {
    readonly timeout: number;
};
/** The checked options of a `consume`, with the defaults filled in. */
export declare function readConsumeOptions(call: string, options: ConsumeOptions | undefined, timeout: number): Policy;
/** Gives a task to the queue and waits for its result. */
export declare function consume(connection: Connection, label: string, event: string, payload: Uint8Array, { timeout, ...policy }: Policy): Promise<unknown>;
export {};
