import type { Observable } from 'rxjs';
import { type FromPrimary, type FromWorker } from '../protocol/messages.js';
/** A worker's line to its primary: the cluster IPC channel. Foreign messages pass by untouched. */
export declare class ControlChannel {
    private readonly incoming;
    private readonly pending;
    private requests;
    constructor();
    /** Control messages of the primary, answers to requests left out. */
    get messages(): Observable<FromPrimary>;
    /** Sends; false where the channel is closed. */
    send(message: FromWorker): boolean;
    /** Asks the primary and resolves to its answer. */
    request(type: 'reload'): Promise<unknown>;
    request(type: 'scale', workers: number): Promise<unknown>;
    private settle;
    private fail;
}
