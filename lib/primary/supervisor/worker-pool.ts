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

/** Whether the worker does its work: ready, heard of, and wanted. */
export function isServing({ phase, leaving, exitDueAt }: WorkerRecord): boolean {
  return phase === 'ready' && !leaving && exitDueAt === undefined;
}

/**
 * What the supervisor's parts stand on: the slots, the workers in them, and the few moves that change
 * either. Every effect leaves as an action; nothing is done here.
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

  /** The actions since the last call. */
  takeActions(): SupervisorAction[] {
    const actions = this.actions;
    this.actions = [];
    return actions;
  }

  worker(id: number | undefined): WorkerRecord | undefined {
    return id === undefined ? undefined : this.state.workers.get(id);
  }

  /** The worker as the log calls it. */
  nameOf({ id, slot, pid }: WorkerRecord): string {
    return `worker ${id} in slot ${slot}${pid === undefined ? '' : ` (pid ${pid})`}`;
  }

  slotOf(worker: WorkerRecord): SlotRecord | undefined {
    return this.state.slots[worker.slot];
  }

  /** Whether there is such a worker and it does its work. */
  isServing(id: number | undefined): boolean {
    const worker = this.worker(id);
    return worker !== undefined && isServing(worker);
  }

  /** Whether the slot waits for the first worker of all to be ready. */
  isHeldBack({ index }: SlotRecord): boolean {
    return this.options.isWatched === true && index > 0 && !this.state.everReady;
  }

  /** Nothing serves the slot nor is about to, and something should. */
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

  /** A process is to be forked for the slot, now or at its retry time. */
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

  /** Lets the slot's ready successor take its place, and drains the old worker. */
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
    // One that never served has nothing in flight.
    if (successor.readyAt === undefined) this.kill(successor, reason);
    else this.leave(successor, reason, now);
  }

  /** Asks the worker to finish what is in flight and go. */
  leave(worker: WorkerRecord, reason: LeaveReason, now: number, timeout = this.options.shutdown.timeout): void {
    if (worker.leaving) return;
    worker.leaving = reason;
    worker.phase = 'draining';
    worker.termAt = now + timeout;
    worker.killAt = now + timeout + this.options.shutdown.killAfter;
    this.leadership.dismiss(worker.id);
    // What reaches a process before it listens is lost, for node:cluster reads the channel from the start.
    if (worker.vitals !== undefined || worker.readyAt !== undefined) this.tellToLeave(worker, now);
  }

  /** Says it: once, when the worker can hear it. */
  tellToLeave(worker: WorkerRecord, now: number): void {
    if (worker.leaving === undefined || worker.termAt === undefined) return;
    const { id, leaving: reason } = worker;
    const timeout = Math.max(0, worker.termAt - now);
    this.act({ type: 'drain', id, timeout, reason, signal: this.signalOf(reason) });
  }

  /** Any process manager would end by SIGTERM what the supervisor lets go. */
  private signalOf(reason: LeaveReason): StopSignal | undefined {
    return reason === 'failing' || reason === 'disconnected' ? undefined : (this.state.stopSignal ?? 'SIGTERM');
  }

  /** Ends the worker at once. */
  kill(worker: WorkerRecord, reason: LeaveReason): void {
    worker.leaving ??= reason;
    worker.phase = 'stopping';
    this.leadership.dismiss(worker.id);
    this.act({ type: 'kill', id: worker.id, signal: 'SIGKILL' });
  }
}
