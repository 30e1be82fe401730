import type { AbortSignalLike } from '../bus/bus.interface.js';
/** Longest delay Node's timers take, in ms; a longer one would fire at once. */
export declare const MAX_TIMER_MS: number;
/** What a waiting step of a call looks at to stop: `cancelled` is set before `cancel` is called. */
export interface CallSignal extends AbortSignalLike {
    cancelled: boolean;
}
/**
 * The deadline of one call, shared by all its parts: absolute, so that it can travel with a message, and
 * kept by a single timer that lives only while something waits.
 */
export declare class Deadline {
    #private;
    /** In ms from now; Infinity for none. */
    readonly timeout: number;
    /** Unix time in ms; Infinity for none. */
    readonly at: number;
    constructor(
    /** In ms from now; Infinity for none. */
    timeout: number);
    /**
     * Calls `start` at once and settles as it does; at the deadline rejects with `expired()` and cancels
     * what was started.
     */
    bound<T>(start: (signal: CallSignal) => Promise<T>, expired: () => Error): Promise<T>;
    /** Stops everything that waits without settling it: the caller no longer wants to know. */
    abandon(): void;
}
