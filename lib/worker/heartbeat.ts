import inspector from 'node:inspector';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Clock } from '../platform/clock.js';
import type { Vitals } from '../protocol/messages.js';

/** Resolution of the event-loop delay histogram, in ms. It wakes an idle process at this interval. */
const LOOP_DELAY_RESOLUTION = 100;

const NS_PER_MS = 1e6;

/** The values that are measured elsewhere. */
export type Load = Pick<Vitals, 'requests' | 'inFlight' | 'connections'>;

/** Measures this process and reports the values every `interval` ms. */
export class Heartbeat {
  private readonly delay = monitorEventLoopDelay({ resolution: LOOP_DELAY_RESOLUTION });
  private utilisation = performance.eventLoopUtilization();
  private seq = 0;
  private rss = 0;

  constructor(
    private readonly clock: Clock,
    private readonly interval: number,
    private readonly load: () => Promise<Load>,
    private readonly report: (seq: number, vitals: Vitals) => void,
  ) {}

  start(): void {
    this.delay.enable();
    this.send();
  }

  /** Measures and reports now, in addition to the regular reports. */
  async pulse(): Promise<void> {
    this.report((this.seq += 1), { ...this.vitals(), ...(await this.load()) });
  }

  private send(): void {
    void this.pulse();
    this.clock.after(this.interval, () => this.send(), false);
  }

  private vitals(): Omit<Vitals, keyof Load> {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.utilisation);
    this.utilisation = now;
    const mean = this.delay.mean;
    this.delay.reset();
    return {
      loopDelay: Number.isFinite(mean) ? mean / NS_PER_MS : 0,
      utilisation: utilization,
      rss: (this.rss = residentSetSize(this.rss)),
      inspected: inspector.url() !== undefined,
    };
  }
}

/** The resident set size. It is read from a file; if no descriptor is left for that, the previous value is returned. */
function residentSetSize(before: number): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return before;
  }
}
