import type { Clock } from '../platform/clock.js';
/** How long clients that just connected may take to send their request, in ms (facts: 250 lost none). */
export declare const LINGER = 250;
/** How often idle connections are looked for afterwards, in ms. */
export declare const SWEEP_INTERVAL = 50;
/** Connections on which nothing happens for this long (ms) once no request is in flight are closed by us. */
export declare const SILENCE_LIMIT = 2000;
/** What a drain has to do with. */
export interface DrainSubject {
    readonly servers: {
        stopListening(): void;
        farewell(clock: Clock): Promise<void>;
        closeIdle(): void;
        closeAll(): void;
        connections(): Promise<number>;
        readonly inFlight: number;
    };
    /** Resolves when no new message of the bus follows and every running handler is done. */
    handlersDone(): Promise<void>;
    /** Closes the Nest application: its own shutdown hooks run here, after the last request. */
    closeApp(): Promise<void>;
    /** Resolves when the primary has seen everything this worker sent. */
    barrier(): Promise<void>;
}
/**
 * Leaves without losing a request: stop accepting, let what is in flight end, close the application,
 * then make sure nothing of it is still on its way. Ends early when `hurry` resolves.
 */
export declare function drain(subject: DrainSubject, clock: Clock, hurry: Promise<void>): Promise<'drained' | 'hurried'>;
