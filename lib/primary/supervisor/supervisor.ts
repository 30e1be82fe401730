import { constants } from 'node:os';
import type { Vitals } from '../../protocol/messages.js';
import { EXIT_CONFIG } from '../../protocol/exit-codes.js';
import { CrashPolicy } from './crash-policy.js';
import { WorkerPool } from './worker-pool.js';
import { Recycler } from './recycler.js';
import { RollingReload } from './rolling-reload.js';
import type {
  SlotRecord,
  StopSignal,
  SupervisorAction,
  SupervisorEvent,
  SupervisorOptions,
  SupervisorState,
  WorkerRecord,
} from './supervisor.types.js';
import { EXIT_GRACE, Watchdog } from './watchdog.js';

/** How long the primary waits for missing exit events after it has killed all workers, in ms. */
export const END_GRACE = 2_000;

/**
 * Signals that arrive within this time (ms) after the first one belong to the same event: a package manager passes on
 * the Ctrl-C that the terminal has sent to the whole process group, and a service manager signals every process of the
 * group.
 */
export const SIGNAL_SPACING = 1_000;

/** This plus a signal's number is the exit code of a process that the signal ended. */
export const EXIT_BY_SIGNAL = 128;

/** Whether such a signal ends the cluster at once if it is not the first; the first one stops it gracefully. */
export const isEnding = (signal: StopSignal): boolean => signal === 'SIGTERM' || signal === 'SIGINT';

/** The exit code of a process that the signal ended. */
export const exitCodeOf = (signal: StopSignal): number => EXIT_BY_SIGNAL + constants.signals[signal];

/**
 * Decides everything about the lives of the workers. It is a deterministic function of events and time, without
 * effects: it takes events and returns the actions to carry out. `wakeAt` is the time at which it wants a 'tick'.
 */
export class Supervisor {
  private readonly pool: WorkerPool;
  private readonly crashPolicy: CrashPolicy;
  private readonly watchdog: Watchdog;
  private readonly recycler: Recycler;
  private reload: RollingReload | undefined;

  constructor(options: SupervisorOptions, random: () => number) {
    this.pool = new WorkerPool(options, random);
    this.crashPolicy = new CrashPolicy(this.pool, () => this.reload);
    this.watchdog = new Watchdog(this.pool, this.crashPolicy);
    this.recycler = new Recycler(this.pool);
  }

  get state(): Readonly<SupervisorState> {
    return this.pool.state;
  }

  /** The leading worker, if one is appointed. */
  get leader(): number | undefined {
    return this.pool.leadership.leader;
  }

  /** Handles what happened at `now` (ms, monotonic) and returns the actions to carry out, in order. */
  handle(event: SupervisorEvent, now: number): SupervisorAction[] {
    if (this.state.phase === 'stopped') return [];
    this.watchdog.forgiveStall(now);
    this.apply(event, now);
    this.reconcile(now);
    return this.pool.takeActions();
  }

  /** Whether every slot has a worker that serves. */
  get isComplete(): boolean {
    const { phase, slots, target } = this.state;
    return phase === 'running' && slots.length >= target && slots.every(({ current }) => this.pool.isServing(current));
  }

  /** When the supervisor wants the next 'tick' (ms, monotonic); Infinity for never. */
  get wakeAt(): number {
    const { breaker, leadership, state } = this.pool;
    if (state.phase === 'stopped') return Infinity;
    const times = [this.watchdog.wakeAt, breaker.wakeAt, leadership.wakeAt];
    times.push(state.drainAt ?? Infinity, state.endAt ?? Infinity);
    if (this.reload) times.push(this.reload.wakeAt);
    else times.push(this.recycler.wakeAt);
    // While the breaker is open, it decides when a vacant slot is forked.
    if (!breaker.open) for (const slot of state.slots) if (this.pool.isVacant(slot)) times.push(slot.retryAt);
    return Math.min(...times);
  }

  /** Must be called when a timer for `at` was set. */
  expectWake(at: number): void {
    this.watchdog.expectWake(at);
  }

  // ---- what happened ------------------------------------------------------------------------------

  private apply(event: SupervisorEvent, now: number): void {
    switch (event.type) {
      case 'start':
        // It may already have been told to stop.
        if (this.state.phase !== 'idle') return;
        this.pool.state.phase = 'running';
        return this.pool.resize(this.state.target);
      case 'tick':
        return;
      case 'reload':
        return this.startReload(event.requester, now);
      case 'scale':
        return this.scale(event.workers, now);
      case 'stop':
        return this.stop(event.code, now);
      case 'signal':
        return this.signalled(event.signal, now);
      default:
        return this.applyToWorker(event, now);
    }
  }

  private applyToWorker(event: Extract<SupervisorEvent, { id: number }>, now: number): void {
    const worker = this.pool.worker(event.id);
    if (!worker) return;
    worker.heardAt = now;
    switch (event.type) {
      case 'forked':
        worker.pid = event.pid;
        return;
      case 'online':
        if (worker.phase === 'spawning') worker.phase = 'booting';
        return;
      case 'ready':
        return this.becameReady(worker, event.unreadyTime, now);
      case 'heartbeat':
        return this.heartbeat(worker, event.seq, event.vitals, now);
      case 'failing':
        return this.failing(worker, event.error.text ?? event.error.message, now);
      case 'retire':
        return this.retire(worker, event.reason);
      case 'boot-failed':
        worker.bootError = event.error.text;
        if (event.fatal) this.crashPolicy.giveUp(worker, EXIT_CONFIG);
        return;
      case 'disconnected':
        worker.exitDueAt ??= now + EXIT_GRACE;
        return this.pool.act({ type: 'isolate', id: worker.id });
      case 'cut-off':
        worker.cutOff ??= event.reason;
        worker.exitDueAt ??= now + EXIT_GRACE;
        // A worker that no other process can reach must not lead.
        return this.pool.leadership.dismiss(worker.id);
      case 'exited':
        this.state.workers.delete(worker.id);
        this.pool.leadership.died(worker.id, now);
        if (worker.leaving) return this.crashPolicy.explain(worker);
        if (event.code === 0) return this.crashPolicy.finished(worker, now);
        this.crashPolicy.exited(worker, event, now);
        return;
    }
  }

  private becameReady(worker: WorkerRecord, unreadyTime: number | undefined, now: number): void {
    if (worker.leaving || worker.readyAt !== undefined) return;
    worker.unreadyTime = unreadyTime;
    worker.phase = 'ready';
    worker.readyAt = now;
    this.pool.state.everReady = true;
    // Other slots may have failed or finished, but this worker shows that there is something to serve.
    for (const slot of this.state.slots) slot.isFinished = slot.hasFailed = false;
    this.pool.act({ type: 'joined', id: worker.id });
  }

  private heartbeat(worker: WorkerRecord, seq: number, vitals: Vitals, now: number): void {
    const isFirstWord = worker.vitals === undefined && worker.readyAt === undefined;
    worker.vitals = vitals;
    if (isFirstWord) this.pool.tellToLeave(worker, now);
    this.watchdog.onHeartbeat(worker);
    const term = this.pool.leadership.heartbeat(worker.id, now);
    this.pool.act({ type: 'lease', id: worker.id, seq, term });
  }

  private failing(worker: WorkerRecord, error: string, now: number): void {
    if (worker.leaving) {
      return this.pool.log('warn', `${this.pool.nameOf(worker)} hit an uncaught error while it leaves: ${error}`);
    }
    this.crashPolicy.failing(worker, `hit an uncaught error and is replaced: ${error}`, now);
  }

  private retire(worker: WorkerRecord, reason: string): void {
    const slot = this.pool.slotOf(worker);
    if (worker.leaving || slot?.current !== worker.id || slot.replace) return;
    this.pool.log('log', `${this.pool.nameOf(worker)} is replaced: ${reason}`);
    slot.replace = 'retire';
  }

  private startReload(requester: number | undefined, now: number): void {
    if (this.state.phase !== 'running') {
      return this.pool.act({ type: 'reload-refused', reason: 'the cluster is stopping' });
    }
    if (!this.reload) {
      // An operator's new build begins with a clean record.
      this.pool.breaker.reset();
      this.reload = new RollingReload(this.pool, now);
      this.pool.log('log', `reload to generation ${this.reload.generation}`);
    }
    if (requester !== undefined) this.reload.awaitedBy(requester);
  }

  private scale(workers: number, now: number): void {
    if (this.state.phase !== 'running') return;
    this.pool.log('log', `scale from ${this.state.target} to ${workers} workers`);
    this.pool.state.scalePending = true;
    this.pool.state.isAnnounced = false;
    this.pool.resize(workers);
    for (const slot of this.state.slots.slice(workers)) {
      slot.replace = undefined;
      this.pool.abandon(slot, now, 'scale');
    }
  }

  /** The first signal stops the cluster gracefully. A later SIGTERM or SIGINT ends everything at once. */
  private signalled(signal: StopSignal, now: number): void {
    const { state } = this.pool;
    if (state.signalledAt === undefined) {
      state.signalledAt = now;
      if (!this.isUp) return this.pool.log('log', `${signal}: the cluster stops already`);
      state.stopSignal = signal;
      this.pool.log('log', `${signal}: the cluster stops`);
      return this.stop(0, now);
    }
    if (!isEnding(signal) || now - state.signalledAt < SIGNAL_SPACING) return;
    this.pool.log('log', `${signal} while the cluster stops: it ends at once`);
    this.stopNow(exitCodeOf(signal), now);
  }

  private get isUp(): boolean {
    return this.state.phase === 'running' || this.state.phase === 'idle';
  }

  private stop(code: number, now: number): void {
    if (!this.isUp) return;
    this.pool.state.exitCode = code;
    this.pool.state.phase = 'delaying';
    this.pool.state.drainAt = now + this.stopDelay;
    this.pool.act({ type: 'stopping' });
    this.reload?.fail('the cluster is stopping', undefined, now);
  }

  /**
   * How long workers keep serving before they are drained, in ms. If SIGTERM stops the cluster, an application may ask
   * for more than `shutdown.delay`, up to `shutdown.timeout`: the extra time is for load balancers, which are not
   * involved in a Ctrl-C.
   */
  private get stopDelay(): number {
    const { delay, timeout } = this.pool.options.shutdown;
    if (this.state.stopSignal !== 'SIGTERM') return delay;
    const unreadyTime = Math.max(0, ...[...this.state.workers.values()].map((worker) => worker.unreadyTime ?? 0));
    return Math.max(delay, Math.min(unreadyTime, timeout));
  }

  private stopNow(code: number, now: number): void {
    this.pool.state.exitCode = code;
    this.pool.state.phase = 'stopping';
    this.pool.state.drainAt = undefined;
    this.pool.state.endAt ??= now + END_GRACE;
    for (const worker of this.state.workers.values()) this.pool.kill(worker, 'stop');
  }

  // ---- from the current to the wanted state ---------------------------------------------------------------

  private reconcile(now: number): void {
    if (this.state.drainAt !== undefined && now >= this.state.drainAt) this.drainAll(now);
    this.watchdog.enforce(now);
    if (this.state.phase === 'running') {
      this.retireSurplus(now);
      if (!this.reload) this.recycler.recycle(now);
      this.reload?.advance(now);
      if (this.reload?.over) this.reload = undefined;
      this.replaceServed(now);
    }
    this.fillSlots(now);
    if (this.state.phase === 'running') this.announceReady();
    this.pool.leadership.appoint(this.candidates(), now);
    this.conclude(now);
  }

  private drainAll(now: number): void {
    this.pool.state.phase = 'stopping';
    this.pool.state.drainAt = undefined;
    for (const worker of this.state.workers.values()) {
      if (this.pool.options.isWatched && worker.readyAt === undefined) this.pool.kill(worker, 'stop');
      else this.pool.leave(worker, 'stop', now);
    }
  }

  private retireSurplus(now: number): void {
    for (const slot of this.state.slots.splice(this.state.target)) {
      const worker = this.pool.worker(slot.current);
      if (worker) this.pool.leave(worker, 'scale', now);
    }
  }

  /** Recycled and retiring workers leave as soon as their replacement is ready. */
  private replaceServed(now: number): void {
    for (const slot of this.state.slots) {
      if (!slot.replace || slot.replace === 'reload' || !this.pool.isServing(slot.successor)) continue;
      this.pool.promote(slot, now);
    }
  }

  private fillSlots(now: number): void {
    const { breaker } = this.pool;
    const vacancy = this.state.slots.some((slot) => this.pool.isVacant(slot));
    if (breaker.settle(now, vacancy, (id) => this.pool.isServing(id))) {
      this.pool.log('log', 'the crash loop is over');
    }
    for (const slot of this.state.slots) {
      if (this.state.phase === 'running' && slot.replace && slot.successor === undefined) this.succeed(slot, now);
      if (!this.pool.isEmpty(slot) || now < slot.retryAt || !breaker.allows(now)) continue;
      slot.current = this.pool.fork(slot, this.state.generation, now);
    }
  }

  /** Forks the worker that will take over the slot, if it is due. */
  private succeed(slot: SlotRecord, now: number): void {
    if (slot.replace === 'reload') {
      slot.successor = this.pool.fork(slot, this.reload?.generation ?? this.state.generation, now);
    } else if (slot.current === undefined) {
      // The worker that should be replaced is already gone: the slot is filled like any empty slot.
      slot.replace = undefined;
    } else if (now >= slot.retryAt && this.pool.breaker.allows(now)) {
      slot.successor = this.pool.fork(slot, this.state.generation, now);
    }
  }

  private conclude(now: number): void {
    const { state } = this.pool;
    const isOver = state.workers.size === 0 || (state.endAt !== undefined && now >= state.endAt);
    if (state.phase === 'stopping' && isOver) {
      state.phase = 'stopped';
      this.pool.act({ type: 'exit', code: state.exitCode, worker: state.exitCode === 0 ? undefined : state.blamed });
    }
    if (!state.scalePending || !state.slots.every((slot) => this.pool.isServing(slot.current))) return;
    state.scalePending = false;
    this.pool.act({ type: 'scaled' });
  }

  /**
   * Logs once that every slot has a ready worker, and later each slot that has a worker again after it had lost one.
   */
  private announceReady(): void {
    const { pool } = this;
    const { state } = pool;
    const isFilled = ({ current }: SlotRecord) => pool.isServing(current);
    if (!state.isAnnounced) {
      if (!state.slots.every(isFilled)) return;
      state.isAnnounced = true;
      for (const slot of state.slots) slot.isVacated = false;
      const places = state.slots.map(({ index, current }) => `slot ${index} (pid ${pool.worker(current)?.pid})`);
      pool.log('log', `${places.length} workers are ready: ${places.join(', ')}`);
      return;
    }
    for (const slot of state.slots) {
      if (!slot.isVacated || !isFilled(slot)) continue;
      slot.isVacated = false;
      pool.log('log', `slot ${slot.index} is filled again: ${pool.nameOf(pool.worker(slot.current)!)} is ready`);
    }
  }

  private *candidates(): Iterable<number> {
    for (const slot of this.state.slots) if (this.pool.isServing(slot.current)) yield slot.current!;
  }
}
