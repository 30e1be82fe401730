/**
 * A leader's own view of its lease: it counts from the moment the heartbeat left, so that it ends no
 * later than the primary believes.
 */
export class LeaderLease {
    duration;
    sent = new Map();
    until = -Infinity;
    currentTerm;
    /** @param duration of a lease, in ms */
    constructor(duration) {
        this.duration = duration;
    }
    /** A heartbeat leaves at `now`. */
    beat(seq, now) {
        this.sent.set(seq, now);
    }
    /** The answer to heartbeat `seq`: the term this worker leads in, if it does. */
    answered(seq, term) {
        const sentAt = this.sent.get(seq);
        for (const earlier of this.sent.keys())
            if (earlier <= seq)
                this.sent.delete(earlier);
        if (sentAt === undefined)
            return;
        this.currentTerm = term;
        this.until = term === undefined ? -Infinity : sentAt + this.duration;
    }
    /** Gives the lease up, e.g. when a drain begins. */
    resign() {
        this.until = -Infinity;
        this.sent.clear();
    }
    /** The term this worker leads in at `now`, if it does. */
    term(now) {
        return now < this.until ? this.currentTerm : undefined;
    }
}
//# sourceMappingURL=leader-lease.js.map