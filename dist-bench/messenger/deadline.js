/** Longest delay Node's timers take, in ms; a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
/**
 * The deadline of one call, shared by all its parts: absolute, so that it can travel with a message, and
 * kept by a single timer that lives only while something waits.
 */
export class Deadline {
    timeout;
    /** Unix time in ms; Infinity for none. */
    at;
    #timer;
    #waiting = new Set();
    constructor(
    /** In ms from now; Infinity for none. */
    timeout) {
        this.timeout = timeout;
        this.at = timeout === Infinity ? Infinity : Date.now() + timeout;
    }
    /**
     * Calls `start` at once and settles as it does; at the deadline rejects with `expired()` and cancels
     * what was started.
     */
    bound(start, expired) {
        return new Promise((resolve, reject) => {
            const signal = { cancelled: false };
            const waiting = { signal, expire: () => reject(expired()) };
            this.#waiting.add(waiting);
            if (this.#timer === undefined)
                this.#arm();
            const done = () => {
                this.#waiting.delete(waiting);
                if (this.#waiting.size > 0)
                    return;
                clearTimeout(this.#timer);
                this.#timer = undefined;
            };
            const fail = (error) => {
                done();
                reject(error);
            };
            try {
                start(signal).then((value) => {
                    done();
                    resolve(value);
                }, fail);
            }
            catch (error) {
                fail(error);
            }
        });
    }
    /** Stops everything that waits without settling it: the caller no longer wants to know. */
    abandon() {
        this.#stop(false);
    }
    #arm() {
        if (this.at === Infinity)
            return;
        this.#timer = setTimeout(() => {
            if (Date.now() < this.at)
                this.#arm();
            else
                this.#stop(true);
        }, Math.min(Math.max(this.at - Date.now(), 0), MAX_TIMER_MS));
    }
    #stop(expire) {
        clearTimeout(this.#timer);
        this.#timer = undefined;
        for (const waiting of this.#waiting) {
            this.#waiting.delete(waiting);
            waiting.signal.cancelled = true;
            if (expire)
                waiting.expire();
            waiting.signal.cancel?.();
        }
    }
}
//# sourceMappingURL=deadline.js.map