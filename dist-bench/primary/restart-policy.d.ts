import type { SupervisorOptions } from './supervisor.types.js';
/** How often an open breaker lets one slot try, in ms; a probe that lives until the next one is due closes it. */
export declare const PROBE_INTERVAL = 30000;
/** Crashes the breaker tolerates within its window where `restart.maxCrashes` is not set. */
export declare function defaultMaxCrashes(workers: number): number;
/**
 * The delay before a slot is forked again, in ms: none for the first crash after health, then full jitter
 * over an exponentially growing bound (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * @param streak crashes since the slot was last healthy, this one included
 * @param healthy whether the worker that crashed had been ready for `resetAfter`
 * @param random uniform in [0, 1)
 */
export declare function restartDelay(options: SupervisorOptions['restart'], streak: number, healthy: boolean, random: () => number): number;
/**
 * The crash-loop breaker (M. Nygard, "Release It!", circuit breaker): open, it keeps what works and lets
 * one empty slot try every `PROBE_INTERVAL`.
 */
export declare class CrashLoopBreaker {
    private readonly window;
    private crashes;
    private nextProbeAt;
    private probe;
    /** @param window in which crashes are counted, in ms */
    constructor(window: number);
    get open(): boolean;
    /** When an open breaker next does something by itself. */
    get wakeAt(): number;
    /** Counts a crash; true where it is one too many and opened the breaker just now. */
    crashed(now: number, worker: number, maxCrashes: number): boolean;
    /** Whether an empty slot may be forked now. */
    allows(now: number): boolean;
    /** Told of each fork, so that an open breaker knows its probe. */
    forked(now: number, worker: number): void;
    /**
     * Closes the breaker where its probe lived until the next one is due, or nobody is left to try; true
     * where it closed just now.
     */
    settle(now: number, vacancy: boolean, isReady: (worker: number) => boolean): boolean;
    /** Forgets the past: an operator's reload begins anew. */
    reset(): void;
    private forgetBefore;
}
