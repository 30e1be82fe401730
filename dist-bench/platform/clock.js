import { performance } from 'node:perf_hooks';
/** Longest delay setTimeout takes (2^31 − 1 ms); a longer wait is cut and looked at again. */
const MAX_DELAY = 2_147_483_647;
/** Time of the machine. */
export const systemClock = {
    now: () => performance.now(),
    after(delay, callback, keepAlive = true) {
        const timer = setTimeout(callback, Math.min(Math.max(0, delay), MAX_DELAY));
        if (!keepAlive)
            timer.unref();
        return { cancel: () => clearTimeout(timer) };
    },
};
/** Resolves after `delay` ms. */
export function elapsed(clock, delay) {
    return new Promise((resolve) => void clock.after(delay, resolve));
}
//# sourceMappingURL=clock.js.map