import { Observable } from 'rxjs';
import type { Connection } from './connection.js';
import type { Deadline } from './deadline.js';
import type { CallInfo } from './outcome.js';
/** What one worker's handler returned. @publicApi */
export interface MapValue<T = unknown> {
    readonly slot: number;
    readonly value: T;
}
/** How one worker fared in a `mapSettled`. @publicApi */
export type MapOutcome<T = unknown> = {
    readonly slot: number;
    readonly status: 'fulfilled';
    readonly value: T;
} | {
    readonly slot: number;
    readonly status: 'rejected';
    readonly reason: Error;
};
/** A question to every worker. Who is asked is fixed when it is sent. */
export declare class MapCall {
    #private;
    private readonly connection;
    private readonly call;
    private readonly payload;
    private readonly deadline;
    constructor(connection: Connection, call: CallInfo, payload: Uint8Array, deadline: Deadline);
    /** Every worker's outcome, in order of slots. Rejects only where nobody could be asked. */
    settled(each?: (outcome: MapOutcome) => void): Promise<MapOutcome[]>;
    /** Every worker's value, in order of slots. */
    values(): Promise<unknown[]>;
    /** The values as they come; an error once all are in, if one failed. */
    stream(): Observable<MapValue>;
}
