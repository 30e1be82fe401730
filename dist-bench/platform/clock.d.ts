/** A pending timer; `cancel` is idempotent. */
export interface Timer {
    cancel(): void;
}
/** Where supervision takes its time from; tests put in their own. */
export interface Clock {
    /** Monotonic time in ms. */
    now(): number;
    /** Calls `callback` after `delay` ms. `keepAlive` false: the timer alone does not keep the process up. */
    after(delay: number, callback: () => void, keepAlive?: boolean): Timer;
}
/** Time of the machine. */
export declare const systemClock: Clock;
/** Resolves after `delay` ms. */
export declare function elapsed(clock: Clock, delay: number): Promise<void>;
