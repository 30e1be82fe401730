import inspector from 'node:inspector';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Clock } from '../platform/clock.js';
import type { Vitals } from '../protocol/messages.js';

/** Resolution of the event-loop delay histogram, in ms: so often it wakes an idle process. */
const LOOP_DELAY_RESOLUTION = 100;

const NS_PER_MS = 1e6;

/** What others measure. */
export type Load = Pick<Vitals, 'requests' | 'inFlight' | 'connections'>;

/** Measures this process and says so every `interval` ms. */
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

  /** Says now what it would say at the next interval. */
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

/** Read from a file, for which there may be no descriptor: then what it was the last time. */
function residentSetSize(before: number): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return before;
  }
}
