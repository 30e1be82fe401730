/** Has worn-out workers replaced, one at a time: by memory, requests or age, each with its own jitter. */
export class Recycler {
    floor;
    constructor(floor) {
        this.floor = floor;
    }
    /** When the next worker is too old. */
    get wakeAt() {
        const { age, minLifetime } = this.floor.options.recycle;
        if (age === undefined || this.busy)
            return Infinity;
        let at = Infinity;
        for (const worker of this.replaceable()) {
            at = Math.min(at, worker.readyAt + Math.max(minLifetime, age * worker.wear));
        }
        return at;
    }
    /** Marks the first worn-out worker for replacement. */
    recycle(now) {
        if (this.busy)
            return;
        for (const worker of this.replaceable()) {
            const limit = this.limitReached(worker, now);
            if (limit === undefined)
                continue;
            this.floor.log('log', `worker ${worker.id} in slot ${worker.slot} is recycled: ${limit}`);
            this.floor.slotOf(worker).replace = 'recycle';
            return;
        }
    }
    get busy() {
        return this.floor.state.slots.some(({ replace }) => replace === 'recycle');
    }
    *replaceable() {
        for (const slot of this.floor.state.slots) {
            if (!slot.replace && this.floor.isServing(slot.current))
                yield this.floor.worker(slot.current);
        }
    }
    limitReached({ readyAt, vitals, wear }, now) {
        const { memory, requests, age, minLifetime } = this.floor.options.recycle;
        const lived = now - readyAt;
        if (lived < minLifetime)
            return undefined;
        if (age !== undefined && lived >= age * wear)
            return `it is ${Math.round(lived)} ms old`;
        if (!vitals)
            return undefined;
        if (memory !== undefined && vitals.rss >= memory * wear)
            return `it takes ${vitals.rss} bytes of memory`;
        if (requests !== undefined && vitals.requests >= requests * wear)
            return `it has begun ${vitals.requests} requests`;
        return undefined;
    }
}
//# sourceMappingURL=recycler.js.map