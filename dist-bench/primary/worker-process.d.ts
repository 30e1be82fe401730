import type { Worker } from 'node:cluster';
import { type FromPrimary } from '../protocol/messages.js';
/** A worker process as seen from the primary. */
export declare class WorkerProcess {
    readonly id: number;
    readonly slot: number;
    readonly worker: Worker;
    /** 0 where the process could not be started. */
    readonly pid: number;
    alive: boolean;
    private words;
    private readonly ended;
    /** @param echo whether its stderr is passed on to the primary's */
    constructor(id: number, slot: number, worker: Worker, echo: boolean);
    /** Sends a control message; one to a closed channel is dropped, for the exit is on its way. */
    send(message: FromPrimary): void;
    kill(signal: 'SIGTERM' | 'SIGKILL'): void;
    /** The end of what it wrote to stderr, complete once the process is gone; '' where stderr is not ours. */
    lastWords(): Promise<string>;
    private listenTo;
}
