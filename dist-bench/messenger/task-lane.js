/** Runs at most `limit` jobs at a time; the others wait in order. */
export class TaskLane {
    limit;
    #running = 0;
    #queue = [];
    constructor(limit) {
        this.limit = limit;
    }
    /** `job` must not throw or reject; it returns undefined when it is done already. */
    run(job) {
        this.#queue.push(job);
        this.#next();
    }
    #next() {
        while (this.#running < this.limit) {
            const job = this.#queue.shift();
            if (job === undefined)
                return;
            this.#running++;
            const pending = job();
            if (pending === undefined)
                this.#running--;
            else
                void pending.then(() => this.#done());
        }
    }
    #done() {
        this.#running--;
        this.#next();
    }
}
//# sourceMappingURL=task-lane.js.map