import { CrashLoopBreaker } from './restart-policy.js';
import { LeaderElection } from './leader-election.js';
import type {
  LeaveReason,
  SlotRecord,
  StopSignal,
  SupervisorAction,
  SupervisorOptions,
  SupervisorState,
  WorkerRecord,
} from './supervisor.types.js';

/** Whether the worker serves: it is ready and responding, and neither leaving nor expected to exit. */
export function isServing({ phase, leaving, exitDueAt }: WorkerRecord): boolean {
  return phase === 'ready' && !leaving && exitDueAt === undefined;
}

/**
 * The slots and their workers, which all parts of the supervisor share, and the few methods that change either. Every
 * effect is returned as an action; nothing is carried out here.
 */
export class WorkerPool {
  readonly state: SupervisorState;
  readonly breaker: CrashLoopBreaker;
  readonly leadership: LeaderElection;
  private actions: SupervisorAction[] = [];

  constructor(
    readonly options: SupervisorOptions,
    readonly random: () => number,
  ) {
    this.state = {
      phase: 'idle',
      target: options.workers,
      generation: 1,
      slots: [],
      workers: new Map(),
      nextId: 1,
      everReady: false,
      bootErrors: new Set(),
      isAnnounced: false,
      exitCode: 0,
      scalePending: false,
    };
    this.breaker = new CrashLoopBreaker(options.restart.window);
    this.leadership = new LeaderElection(options.watchdog.suspectAfter);
  }

  act(action: SupervisorAction): void {
    this.actions.push(action);
  }

  log(level: 'log' | 'warn' | 'error', message: string): void {
    this.act({ type: 'log', level, message });
  }

  /** Returns the actions since the last call. */
  takeActions(): SupervisorAction[] {
    const actions = this.actions;
    this.actions = [];
    return actions;
  }

  worker(id: number | undefined): WorkerRecord | undefined {
    return id === undefined ? undefined : this.state.workers.get(id);
  }

  /** The worker's name in the log. */
  nameOf({ id, slot, pid }: WorkerRecord): string {
    return `worker ${id} in slot ${slot}${pid === undefined ? '' : ` (pid ${pid})`}`;
  }

  slotOf(worker: WorkerRecord): SlotRecord | undefined {
    return this.state.slots[worker.slot];
  }

  /** Whether there is a worker with this id and it serves. */
  isServing(id: number | undefined): boolean {
    const worker = this.worker(id);
    return worker !== undefined && isServing(worker);
  }

  /** Whether the slot waits until the first worker of the cluster is ready. */
  isHeldBack({ index }: SlotRecord): boolean {
    return this.options.isWatched === true && index > 0 && !this.state.everReady;
  }

  /** Whether the slot has no worker but should have one. */
  isEmpty(slot: SlotRecord): boolean {
    const { phase, target } = this.state;
    return (
      slot.index < target &&
      slot.current === undefined &&
      !slot.isFinished &&
      !(slot.hasFailed && !this.state.everReady) &&
      !this.isHeldBack(slot) &&
      (phase === 'running' || phase === 'delaying')
    );
  }

  /** Whether a process should be forked for the slot, now or at its retry time. */
  isVacant(slot: SlotRecord): boolean {
    if (this.isEmpty(slot)) return true;
    return this.state.phase === 'running' && slot.replace !== undefined && slot.successor === undefined;
  }

  resize(workers: number): void {
    this.state.target = workers;
    for (let index = this.state.slots.length; index < workers; index += 1) {
      this.state.slots.push({ index, streak: 0, retryAt: 0 });
    }
  }

  fork(slot: SlotRecord, generation: number, now: number): number {
    const id = this.state.nextId++;
    const recycleFactor = 1 - this.options.recycle.jitter * this.random();
    const at = { forkedAt: now, heardAt: now };
    this.state.workers.set(id, {
      id,
      slot: slot.index,
      generation,
      ...at,
      recycleFactor: recycleFactor,
      phase: 'spawning',
    });
    this.breaker.forked(now, id);
    this.act({ type: 'fork', id, slot: slot.index, generation });
    return id;
  }

  /** Makes the ready successor the worker of the slot, and drains the old one. */
  promote(slot: SlotRecord, now: number): void {
    const old = this.worker(slot.current);
    const reason = slot.replace ?? 'reload';
    slot.current = slot.successor;
    slot.successor = undefined;
    slot.replace = undefined;
    slot.streak = 0;
    if (old) this.leave(old, reason, now);
  }

  /** Gives up the slot's successor, if it has one. */
  abandon(slot: SlotRecord, now: number, reason: LeaveReason = 'reload-failed'): void {
    const successor = this.worker(slot.successor);
    slot.successor = undefined;
    if (!successor) return;
    // A worker that was never ready has nothing in flight.
    if (successor.readyAt === undefined) this.kill(successor, reason);
    else this.leave(successor, reason, now);
  }

  /** Tells the worker to finish what is in flight and to exit. */
  leave(worker: WorkerRecord, reason: LeaveReason, now: number, timeout = this.options.shutdown.timeout): void {
    if (worker.leaving) return;
    worker.leaving = reason;
    worker.phase = 'draining';
    worker.termAt = now + timeout;
    worker.killAt = now + timeout + this.options.shutdown.killAfter;
    this.leadership.dismiss(worker.id);
    // A message that arrives before the worker has added its listener is lost, because node:cluster reads the channel
    // from the start.
    if (worker.vitals !== undefined || worker.readyAt !== undefined) this.tellToLeave(worker, now);
  }

  /** Sends the message to leave, with the time that is left. Must be called once, when the worker can receive it. */
  tellToLeave(worker: WorkerRecord, now: number): void {
    if (worker.leaving === undefined || worker.termAt === undefined) return;
    const { id, leaving: reason } = worker;
    const timeout = Math.max(0, worker.termAt - now);
    this.act({ type: 'drain', id, timeout, reason, signal: this.signalOf(reason) });
  }

  /**
   * The signal that the worker's application is given as the reason: the one that stops the cluster, otherwise SIGTERM,
   * as any process manager would send. Undefined if an error ends the worker.
   */
  private signalOf(reason: LeaveReason): StopSignal | undefined {
    return reason === 'failing' || reason === 'disconnected' ? undefined : (this.state.stopSignal ?? 'SIGTERM');
  }

  /** Kills the worker at once. */
  kill(worker: WorkerRecord, reason: LeaveReason): void {
    worker.leaving ??= reason;
    worker.phase = 'stopping';
    this.leadership.dismiss(worker.id);
    this.act({ type: 'kill', id: worker.id, signal: 'SIGKILL' });
  }
}
