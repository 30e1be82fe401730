import type { Congestion } from './congestion.js';
import { type Frame } from './frame.js';
import type { Seat } from './seat.js';
/** Claims: one holder to a key at a time, its answer for everybody, and another holder if it dies. */
export declare class Claims {
    private readonly congestion;
    private readonly warn;
    private readonly now;
    private readonly claims;
    private sweepAt;
    constructor(congestion: Congestion, warn: (message: string) => void, now: () => number);
    claim(from: Seat, frame: Frame): void;
    /** The holder says how its run ended. */
    conclude(from: Seat, frame: Frame): void;
    /** A claimant waits no more; if the claim was just granted to it, the next one gets it. */
    cancel(from: Seat, frame: Frame): void;
    lost(seat: Seat): void;
    private current;
    private grant;
    private passOn;
    private tell;
    private isExpired;
    private sweep;
}
