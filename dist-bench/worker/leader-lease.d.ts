/**
 * A leader's own view of its lease: it counts from the moment the heartbeat left, so that it ends no
 * later than the primary believes.
 */
export declare class LeaderLease {
    private readonly duration;
    private readonly sent;
    private until;
    private currentTerm;
    /** @param duration of a lease, in ms */
    constructor(duration: number);
    /** A heartbeat leaves at `now`. */
    beat(seq: number, now: number): void;
    /** The answer to heartbeat `seq`: the term this worker leads in, if it does. */
    answered(seq: number, term: number | undefined): void;
    /** Gives the lease up, e.g. when a drain begins. */
    resign(): void;
    /** The term this worker leads in at `now`, if it does. */
    term(now: number): number | undefined;
}
