/**
 * Who leads: one ready worker, appointed by the primary with a term number. The lease is renewed by the
 * leader's heartbeats; nobody else is appointed before the last lease ran out or its holder is dead, so
 * there is at most one leader per term and no two at a time.
 */
export declare class LeaderElection {
    private readonly lease;
    private term;
    private holder;
    private lastHolder;
    private awaited;
    private leaseUntil;
    /** @param lease how long a leader may act on one heartbeat's answer, in ms */
    constructor(lease: number);
    get leader(): number | undefined;
    /** When the last lease has run out, where somebody waits for that to be appointed. */
    get wakeAt(): number;
    /** The term the worker leads in, renewing its lease; undefined where it does not lead. */
    heartbeat(worker: number, now: number): number | undefined;
    /** The worker leaves or fell silent: it gets no further lease; what it has runs out by itself. */
    dismiss(worker: number): void;
    /** The worker's process is gone: its lease with it. */
    died(worker: number, now: number): void;
    /** Appoints the first candidate where the place is free. */
    appoint(candidates: Iterable<number>, now: number): void;
}
