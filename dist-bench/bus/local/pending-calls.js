/** The calls of this member that wait for an answer, by number. */
export class PendingCalls {
    calls = new Map();
    lastId = 0;
    /** Keeps a call and gives it a number that no other one has: 32 bits, never 0. */
    add(call) {
        do
            this.lastId = (this.lastId + 1) >>> 0;
        while (this.lastId === 0 || this.calls.has(this.lastId));
        this.calls.set(this.lastId, call);
        return this.lastId;
    }
    get(id) {
        return this.calls.get(id);
    }
    /** The call, which is pending no more; undefined where its caller stopped waiting. */
    take(id) {
        const call = this.calls.get(id);
        if (call !== undefined)
            this.calls.delete(id);
        return call;
    }
    rejectRequestsTo(member, error) {
        this.rejectWhere((call) => call.what === 'request' && call.to === member, error);
    }
    rejectAll(error) {
        this.rejectWhere(() => true, error);
    }
    rejectWhere(which, error) {
        for (const [id, call] of this.calls) {
            if (!which(call))
                continue;
            this.calls.delete(id);
            call.reject(error());
        }
    }
}
//# sourceMappingURL=pending-calls.js.map