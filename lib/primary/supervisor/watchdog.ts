import type { CrashPolicy } from './crash-policy.js';
import type { WorkerPool } from './worker-pool.js';
import type { WorkerRecord } from './supervisor.types.js';

/**
 * How long to wait for the exit of a worker after its control channel, or its link to the bus, has ended, in ms: 3–12
 * ms were seen for a killed process, and more than 200 ms on a busy machine for one that ends by itself.
 */
export const EXIT_GRACE = 2_000;

/** Enforces the deadlines of the workers: for booting, for heartbeats and for leaving. */
export class Watchdog {
  private expectedWake: number | undefined;

  constructor(
    private readonly pool: WorkerPool,
    private readonly crashPolicy: CrashPolicy,
  ) {}

  /** When the first deadline is due. */
  get wakeAt(): number {
    const { startup, watchdog } = this.pool.options;
    let at = Infinity;
    for (const worker of this.pool.state.workers.values()) {
      at = Math.min(at, worker.termAt ?? Infinity, worker.killAt ?? Infinity, worker.exitDueAt ?? Infinity);
      if (worker.leaving || worker.vitals?.inspected) continue;
      if (worker.readyAt === undefined) at = Math.min(at, worker.forkedAt + startup.timeout);
      else if (worker.phase === 'ready') at = Math.min(at, worker.heardAt + watchdog.suspectAfter);
      else at = Math.min(at, worker.heardAt + watchdog.killAfter);
    }
    return at;
  }

  /** Must be called when the timer is set, so that a late wake-up can be recognised. */
  expectWake(at: number): void {
    this.expectedWake = at;
  }

  /**
   * While the machine is suspended or the primary's own event loop is blocked, no heartbeat can arrive. So after a late
   * wake-up, the wait for heartbeats starts again.
   */
  forgiveStall(now: number): void {
    const expected = this.expectedWake;
    this.expectedWake = undefined;
    if (expected === undefined || now - expected <= this.pool.options.watchdog.interval) return;
    for (const worker of this.pool.state.workers.values()) worker.heardAt = now;
  }

  /** A heartbeat of the worker has arrived. */
  onHeartbeat(worker: WorkerRecord): void {
    if (worker.phase !== 'unhealthy') return;
    worker.phase = 'ready';
    this.pool.act({ type: 'suspected', id: worker.id, suspect: false });
    this.pool.log('log', `${this.pool.nameOf(worker)} is responding again`);
  }

  /** Acts on every deadline that has passed. */
  enforce(now: number): void {
    for (const worker of this.pool.state.workers.values()) {
      if (worker.exitDueAt !== undefined && now >= worker.exitDueAt) this.lost(worker, now);
      if (worker.leaving) this.escalate(worker, now);
      // A worker that may be stopped at a breakpoint is neither late nor dead.
      else if (worker.vitals?.inspected) continue;
      else if (worker.readyAt === undefined) this.enforceBoot(worker, now);
      else this.enforceHeartbeat(worker, now);
    }
  }

  private enforceBoot(worker: WorkerRecord, now: number): void {
    const { timeout } = this.pool.options.startup;
    if (now < worker.forkedAt + timeout) return;
    this.crashPolicy.discard(worker, 'boot-timeout', `was not ready within ${timeout} ms (startup.timeout)`, now);
  }

  private enforceHeartbeat(worker: WorkerRecord, now: number): void {
    const { suspectAfter, killAfter } = this.pool.options.watchdog;
    if (now >= worker.heardAt + killAfter) {
      this.crashPolicy.discard(
        worker,
        'hang',
        `missed heartbeats for ${killAfter} ms (watchdog.killAfter) and is killed`,
        now,
      );
    } else if (worker.phase === 'ready' && now >= worker.heardAt + suspectAfter) {
      worker.phase = 'unhealthy';
      this.pool.leadership.dismiss(worker.id);
      this.pool.act({ type: 'suspected', id: worker.id, suspect: true });
      this.pool.log('warn', `${this.pool.nameOf(worker)} is unresponsive; it gets no new work until it responds`);
    }
  }

  /** A worker past its drain deadline gets SIGTERM, then SIGKILL. */
  private escalate(worker: WorkerRecord, now: number): void {
    if (worker.termAt !== undefined && now >= worker.termAt) {
      worker.termAt = undefined;
      worker.phase = 'stopping';
      this.pool.log('warn', `${this.pool.nameOf(worker)} did not finish in time and gets SIGTERM`);
      this.pool.act({ type: 'kill', id: worker.id, signal: 'SIGTERM' });
    }
    if (worker.killAt !== undefined && now >= worker.killAt) {
      worker.killAt = undefined;
      this.pool.log('warn', `${this.pool.nameOf(worker)} is killed`);
      this.pool.kill(worker, 'stop');
    }
  }

  /** Its control channel or its link to the bus has closed, but the process is still running. */
  private lost(worker: WorkerRecord, now: number): void {
    worker.exitDueAt = undefined;
    if (worker.leaving) return;
    if (worker.cutOff === undefined) {
      // It cannot be supervised any more.
      this.crashPolicy.crashed(worker, 'closed its control channel', now);
      return this.pool.leave(worker, 'disconnected', now);
    }
    // It still serves its clients, but can neither send to other processes nor receive from them.
    const how = `lost its link to the bus (${worker.cutOff}) and is replaced`;
    if (worker.readyAt === undefined) return this.crashPolicy.discard(worker, 'failing', how, now);
    this.crashPolicy.failing(worker, how, now);
  }
}
