import { EXIT_CONFIG } from '../../protocol/exit-codes.js';
import { FAILING_TIMEOUT } from '../../protocol/timeouts.js';
import type { WorkerPool } from './worker-pool.js';
import { defaultMaxCrashes, restartDelay } from './restart-policy.js';
import type { RollingReload } from './rolling-reload.js';
import type { LeaveReason, SlotRecord, SupervisorEvent, WorkerRecord } from './supervisor.types.js';

/**
 * A worker that exits with code 0 within this time (ms) after it became ready is replaced with a delay. Otherwise it
 * would be forked again and again without a pause.
 */
export const BRIEF_LIFE = 1_000;

/** The advice for a main script that creates an application (`NestFactory.create`) but ends instead of serving. */
const RAN_TO_ITS_END =
  'the main script ran to its end in every worker, and the cluster ends: ' +
  'a script that is to run once is started with NESTJS_CLUSTER=off';

/** How a process ended. `error`: why the process could not be started. */
type Exit = Pick<Extract<SupervisorEvent, { type: 'exited' }>, 'code' | 'signal' | 'error'>;

/**
 * Decides what follows from a crash: when the slot is forked again, and whether a reload fails or the cluster gives up.
 */
export class CrashPolicy {
  constructor(
    private readonly pool: WorkerPool,
    private readonly reload: () => RollingReload | undefined,
  ) {}

  /** How many crashes the breaker tolerates within its window, at the current number of slots. */
  get maxCrashes(): number {
    return this.pool.options.restart.maxCrashes ?? defaultMaxCrashes(this.pool.state.target);
  }

  /** A process ended that had not been asked to. */
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
   * A process exited with code 0 that had not been asked to: it has finished its work. That is not a crash, and a
   * worker that was ready is replaced. If no worker was ever ready and all of them exit in this way, main.ts is a
   * script that has run to its end, and the cluster ends, too.
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

  /** Logs the boot error of a worker that had been told to leave, unless the same error was logged before. */
  explain(worker: WorkerRecord): void {
    const { bootErrors } = this.pool.state;
    const known = bootErrors.size;
    const error = this.bootErrorOf(worker);
    if (bootErrors.size > known) this.pool.log('warn', `${this.pool.nameOf(worker)} did not boot${error}`);
  }

  /**
   * Describes the error that ended the worker's boot, for the log. An error that several workers have is printed once.
   */
  private bootErrorOf({ bootError }: WorkerRecord): string {
    if (bootError === undefined) return '';
    const { bootErrors } = this.pool.state;
    // Each worker may have other numbers in the same error, such as pids and times.
    const kind = bootError.replaceAll(/\d+/g, '#');
    if (bootErrors.has(kind)) return ', with the error above';
    bootErrors.add(kind);
    return `: ${bootError}`;
  }

  /** Kills a worker that cannot recover, and counts that as a crash. */
  discard(worker: WorkerRecord, reason: LeaveReason, how: string, now: number): void {
    this.crashed(worker, how, now);
    this.pool.kill(worker, reason);
  }

  /** Counts the worker as crashed, but lets it finish what it has in flight. */
  failing(worker: WorkerRecord, how: string, now: number): void {
    this.crashed(worker, how, now);
    this.pool.leave(worker, 'failing', now, Math.min(FAILING_TIMEOUT, this.pool.options.shutdown.timeout));
  }

  /**
   * The worker no longer counts for its slot. Decides when the slot is forked again, or that the cluster gives up.
   *
   * @param exitCode the exit code of the cluster, if this crash ends it
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

  /**
   * Gives up the start once the worker of every slot has failed or finished: a single process would have ended, too.
   */
  private concludeStart(worker: WorkerRecord, exitCode: number): void {
    if (this.startedSlots.every(({ hasFailed, isFinished }) => hasFailed || isFinished)) this.giveUp(worker, exitCode);
  }

  private get startedSlots(): SlotRecord[] {
    return this.pool.state.slots.filter((slot) => !this.pool.isHeldBack(slot));
  }

  /** Ends the cluster if no worker was ever ready. The last lines of this worker's stderr explain the exit code. */
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
