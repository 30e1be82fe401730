import inspector from 'node:inspector';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
/** Resolution of the event-loop delay histogram, in ms. */
const LOOP_DELAY_RESOLUTION = 20;
const NS_PER_MS = 1e6;
/** Measures this process and says so every `interval` ms. */
export class Heartbeat {
    clock;
    interval;
    load;
    send;
    delay = monitorEventLoopDelay({ resolution: LOOP_DELAY_RESOLUTION });
    utilisation = performance.eventLoopUtilization();
    seq = 0;
    constructor(clock, interval, load, send) {
        this.clock = clock;
        this.interval = interval;
        this.load = load;
        this.send = send;
    }
    start() {
        this.delay.enable();
        this.beat();
    }
    /** Says now what it would say at the next interval. */
    pulse() {
        this.send((this.seq += 1), this.vitals());
    }
    beat() {
        this.pulse();
        this.clock.after(this.interval, () => this.beat(), false);
    }
    vitals() {
        const now = performance.eventLoopUtilization();
        const { utilization } = performance.eventLoopUtilization(now, this.utilisation);
        this.utilisation = now;
        const mean = this.delay.mean;
        this.delay.reset();
        return {
            loopDelay: Number.isFinite(mean) ? mean / NS_PER_MS : 0,
            utilisation: utilization,
            rss: process.memoryUsage.rss(),
            inspected: inspector.url() !== undefined,
            ...this.load(),
        };
    }
}
//# sourceMappingURL=heartbeat.js.map