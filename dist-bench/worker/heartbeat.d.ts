import type { Clock } from '../platform/clock.js';
import type { Vitals } from '../protocol/messages.js';
/** Measures this process and says so every `interval` ms. */
export declare class Heartbeat {
    private readonly clock;
    private readonly interval;
    private readonly load;
    private readonly send;
    private readonly delay;
    private utilisation;
    private seq;
    constructor(clock: Clock, interval: number, load: () => {
        requests: number;
        inFlight: number;
    }, send: (seq: number, vitals: Vitals) => void);
    start(): void;
    /** Says now what it would say at the next interval. */
    pulse(): void;
    private beat;
    private vitals;
}
