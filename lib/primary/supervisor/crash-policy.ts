import { EXIT_CONFIG } from '../../protocol/exit-codes.js';
import { FAILING_TIMEOUT } from '../../protocol/timeouts.js';
import type { WorkerPool } from './worker-pool.js';
import { defaultMaxCrashes, restartDelay } from './restart-policy.js';
import type { RollingReload } from './rolling-reload.js';
import type { LeaveReason, SlotRecord, SupervisorEvent, WorkerRecord } from './supervisor.types.js';

/** A worker that exits by itself sooner after it became ready (ms) is replaced with a delay, or it would be forked without end. */
export const BRIEF_LIFE = 1_000;

/** The remedy for a script that makes an application (`NestFactory.create`) and is none. */
const RAN_TO_ITS_END =
  'the main script ran to its end in every worker, and the cluster ends: ' +
  'a script that is to run once is started with NESTJS_CLUSTER=off';

/** How a process ended; `error`: why there never was one. */
type Exit = Pick<Extract<SupervisorEvent, { type: 'exited' }>, 'code' | 'signal' | 'error'>;

/** What a crash means: when the slot tries again, whether the cluster still does, and who is told. */
export class CrashPolicy {
  constructor(
    private readonly pool: WorkerPool,
    private readonly reload: () => RollingReload | undefined,
  ) {}

  /** Crashes the breaker tolerates now. */
  get maxCrashes(): number {
    return this.pool.options.restart.maxCrashes ?? defaultMaxCrashes(this.pool.state.target);
  }

  /** A process ended that was not asked to. */
  exited(worker: WorkerRecord, { code, signal, error }: Exit, now: number): void {
    if (error !== undefined) return this.crashed(worker, `could not be started: ${error}`, now);
    const how = signal ? `was ended by ${signal}` : `exited with code ${code}`;
    const when =
      worker.readyAt === undefined
        ? 'before it was ready'
        : `${Math.round(now - worker.readyAt)} ms after it became ready`;
    if (code === EXIT_CONFIG && worker.readyAt === undefined) this.giveUp(worker, EXIT_CONFIG);
    this.crashed(worker, `${how} ${when}${this.bootErrorOf(worker)}`, now, code ?? 1);
  }

  /**
   * A process ended with code 0 that was not asked to: it had done what it was for. That is no crash, and a worker that
   * served is replaced. Where no worker was ever ready, each was a script that ran to its end, and so did the cluster.
   */
  finished(worker: WorkerRecord, now: number): void {
    const { pool } = this;
    const slot = pool.slotOf(worker);
    const isCurrent = slot?.current === worker.id;
    if (!slot || !isCurrent || (worker.readyAt === undefined && pool.state.everReady)) {
      return this.exited(worker, { code: 0, signal: null }, now);
    }
    pool.leadership.dismiss(worker.id);
    this.vacate(slot);
    if (worker.readyAt === undefined) {
      slot.isFinished = true;
      pool.log('log', `${pool.nameOf(worker)} exited with code 0 before it was ready`);
      if (this.startedSlots.every(({ isFinished }) => isFinished)) {
        pool.log('warn', RAN_TO_ITS_END);
        this.giveUp(worker, 0);
      } else this.concludeStart(worker, 1);
      return;
    }
    const lived = now - worker.readyAt;
    pool.log(
      'log',
      `${pool.nameOf(worker)} exited with code 0 by itself, ${Math.round(lived)} ms after it became ready`,
    );
    const isBrief = lived < BRIEF_LIFE;
    slot.streak = isBrief ? slot.streak + 1 : 0;
    slot.retryAt = now + restartDelay(pool.options.restart, slot.streak, !isBrief, pool.random);
  }

  /** One that was told to leave met an error of its own: nobody else says so. */
  explain(worker: WorkerRecord): void {
    const { bootErrors } = this.pool.state;
    const known = bootErrors.size;
    const error = this.bootErrorOf(worker);
    if (bootErrors.size > known) this.pool.log('warn', `${this.pool.nameOf(worker)} did not boot${error}`);
  }

  /** What the log says of the error that ended its boot: one that several workers have is printed once. */
  private bootErrorOf({ bootError }: WorkerRecord): string {
    if (bootError === undefined) return '';
    const { bootErrors } = this.pool.state;
    // Numbers such as pids and times differ in what is one error.
    const kind = bootError.replaceAll(/\d+/g, '#');
    if (bootErrors.has(kind)) return ', with the error above';
    bootErrors.add(kind);
    return `: ${bootError}`;
  }

  /** Ends a worker that is beyond hope at once, and counts it as a crash. */
  discard(worker: WorkerRecord, reason: LeaveReason, how: string, now: number): void {
    this.crashed(worker, how, now);
    this.pool.kill(worker, reason);
  }

  /** Counts a worker as a crash that still answers what it has in flight, and lets it do so. */
  failing(worker: WorkerRecord, how: string, now: number): void {
    this.crashed(worker, how, now);
    this.pool.leave(worker, 'failing', now, Math.min(FAILING_TIMEOUT, this.pool.options.shutdown.timeout));
  }

  /**
   * The worker no longer counts for its slot: who takes its place, and when?
   *
   * @param exitCode what the cluster ends with, where this ends it
   */
  crashed(worker: WorkerRecord, how: string, now: number, exitCode = 1): void {
    const { pool } = this;
    const slot = pool.slotOf(worker);
    pool.log('warn', `${pool.nameOf(worker)} ${how}`);
    pool.leadership.dismiss(worker.id);
    if (!slot) return;
    if (slot.successor === worker.id) {
      slot.successor = undefined;
      if (slot.replace === 'reload') {
        this.reload()?.successorLost(slot, worker, how, now);
        return;
      }
    } else if (slot.current === worker.id) this.vacate(slot);
    else return;
    pool.state.blamed = worker.id;
    this.delayRestart(slot, worker, now);
    if (worker.readyAt !== undefined || pool.state.everReady) return;
    slot.hasFailed = true;
    this.concludeStart(worker, exitCode);
  }

  /** A start is over when every slot's worker has failed or finished: one process would have ended as well. */
  private concludeStart(worker: WorkerRecord, exitCode: number): void {
    if (this.startedSlots.every(({ hasFailed, isFinished }) => hasFailed || isFinished)) this.giveUp(worker, exitCode);
  }

  private get startedSlots(): SlotRecord[] {
    return this.pool.state.slots.filter((slot) => !this.pool.isHeldBack(slot));
  }

  /** No worker ever worked and none will: the cluster ends with the worker's own last lines. */
  giveUp(worker: WorkerRecord, code: number): void {
    const { state } = this.pool;
    if (state.phase !== 'running' || state.everReady) return;
    state.phase = 'delaying';
    state.drainAt = -Infinity;
    state.exitCode = code;
    state.blamed = worker.id;
  }

  private vacate(slot: SlotRecord): void {
    slot.current = undefined;
    slot.isVacated = true;
  }

  private delayRestart(slot: SlotRecord, worker: WorkerRecord, now: number): void {
    const { pool } = this;
    const { restart } = pool.options;
    const healthy = worker.readyAt !== undefined && now - worker.readyAt >= restart.resetAfter;
    slot.streak = healthy ? 0 : slot.streak + 1;
    slot.retryAt = now + restartDelay(restart, slot.streak, healthy, pool.random);
    if (!pool.breaker.crashed(now, worker.id, this.maxCrashes)) return;
    pool.log(
      'error',
      `crash loop: more than ${this.maxCrashes} crashes in ${restart.window} ms; one slot at a time tries again`,
    );
    this.reload()?.fail('workers crash in a loop', worker.id, now);
  }
}
