import type { Vitals } from '../protocol/messages.js';
import { LeaderElection } from './leader-election.js';
import { CrashLoopBreaker, defaultMaxCrashes, restartDelay } from './restart-policy.js';
import { RollingReload, type ReloadGround } from './rolling-reload.js';
import type {
  LeaveReason,
  SlotRecord,
  SupervisorAction,
  SupervisorEvent,
  SupervisorOptions,
  SupervisorState,
  WorkerRecord,
} from './supervisor.types.js';

/** Boot failures that end the primary where no worker ever became ready. */
export const MAX_BOOT_FAILURES = 3;

/** A worker that hit an uncaught error may take this long (ms) to finish what is in flight. */
export const FAILING_DRAIN_TIMEOUT = 5_000;

/** Between a closed control channel and the exit that explains it, in ms (3–12 seen for a killed process). */
export const DISCONNECT_GRACE = 200;

/** Exit code of a configuration error (EX_CONFIG in sysexits.h): trying again is pointless. */
export const EXIT_CONFIG = 78;

/**
 * Decides everything about the workers' lives: a deterministic function of events and time, without
 * effects. Feed it events; it returns the actions to carry out. `wakeAt` says when it wants a 'tick'.
 */
export class Supervisor implements ReloadGround {
  readonly state: SupervisorState;
  private readonly breaker: CrashLoopBreaker;
  private readonly leadership: LeaderElection;
  private reload: RollingReload | undefined;
  private actions: SupervisorAction[] = [];
  private lastAt: number | undefined;

  constructor(
    private readonly options: SupervisorOptions,
    private readonly random: () => number,
  ) {
    this.state = {
      phase: 'idle',
      target: options.workers,
      generation: 1,
      slots: [],
      workers: new Map(),
      nextId: 1,
      everReady: false,
      bootFailures: 0,
      exitCode: 0,
      scalePending: false,
    };
    this.breaker = new CrashLoopBreaker(options.restart.window, this.maxCrashes());
    this.leadership = new LeaderElection(options.watchdog.suspectAfter);
  }

  /** The leading worker, if one is appointed. */
  get leader(): number | undefined {
    return this.leadership.leader;
  }

  /** Takes in what happened at `now` (ms, monotonic) and returns what is to be done, in order. */
  handle(event: SupervisorEvent, now: number): SupervisorAction[] {
    this.actions = [];
    if (this.state.phase === 'stopped') return this.actions;
    this.forgiveStall(now);
    this.apply(event, now);
    this.reconcile(now);
    return this.actions;
  }

  /** When the supervisor wants the next 'tick' (ms, monotonic); Infinity for never. */
  get wakeAt(): number {
    const { startup, watchdog } = this.options;
    let at = Math.min(
      this.breaker.wakeAt,
      this.leadership.wakeAt,
      this.reload?.wakeAt ?? Infinity,
      this.state.drainAt ?? Infinity,
    );
    for (const worker of this.state.workers.values()) {
      at = Math.min(at, worker.termAt ?? Infinity, worker.killAt ?? Infinity, worker.exitDueAt ?? Infinity);
      if (worker.leaving) continue;
      if (worker.phase === 'ready') at = Math.min(at, worker.heardAt + watchdog.suspectAfter, this.wornAt(worker));
      else if (worker.phase === 'unhealthy') at = Math.min(at, worker.heardAt + watchdog.killAfter);
      else at = Math.min(at, worker.forkedAt + startup.timeout);
    }
    // An open breaker decides when an empty slot may try; its own time is in already.
    if (!this.breaker.open) {
      for (const slot of this.state.slots) if (this.isVacant(slot)) at = Math.min(at, slot.retryAt);
    }
    return at;
  }

  // ---- events -------------------------------------------------------------------------------------

  private apply(event: SupervisorEvent, now: number): void {
    switch (event.type) {
      case 'start':
        this.state.phase = 'running';
        return this.resize(this.options.workers);
      case 'tick':
        return;
      case 'reload':
        return this.startReload(event.requester, now);
      case 'scale':
        return this.scale(event.workers, now);
      case 'stop':
        return this.stop(event.code, now);
      case 'stop-now':
        return this.stopNow(event.code);
    }
    const worker = this.state.workers.get(event.id);
    if (!worker) return;
    worker.heardAt = now;
    switch (event.type) {
      case 'online':
        if (worker.phase === 'spawning') worker.phase = 'booting';
        return;
      case 'ready':
        return this.becameReady(worker, now);
      case 'heartbeat':
        return this.heartbeat(worker, event.seq, event.vitals, now);
      case 'failing':
        return this.failing(worker, event.error.message, now);
      case 'retire':
        return this.retire(worker, event.reason);
      case 'boot-failed':
        if (event.fatal) this.giveUpOnBoot(worker, EXIT_CONFIG);
        return;
      case 'disconnected':
        worker.exitDueAt = now + DISCONNECT_GRACE;
        return this.act({ type: 'isolate', id: worker.id });
      case 'exited':
        return this.exited(worker, event.code, event.signal, now);
    }
  }

  private becameReady(worker: WorkerRecord, now: number): void {
    if (worker.leaving || worker.readyAt !== undefined) return;
    worker.phase = 'ready';
    worker.readyAt = now;
    this.state.everReady = true;
    this.act({ type: 'joined', id: worker.id });
  }

  private heartbeat(worker: WorkerRecord, seq: number, vitals: Vitals, now: number): void {
    worker.vitals = vitals;
    if (worker.phase === 'unhealthy') {
      worker.phase = 'ready';
      this.act({ type: 'suspected', id: worker.id, suspect: false });
      this.log('log', `worker ${worker.id} in slot ${worker.slot} is heard again`);
    }
    this.act({ type: 'lease', id: worker.id, seq, term: this.leadership.heartbeat(worker.id, now) });
  }

  private failing(worker: WorkerRecord, error: string, now: number): void {
    if (worker.leaving) return;
    const timeout = Math.min(FAILING_DRAIN_TIMEOUT, this.options.shutdown.timeout);
    this.crashed(worker, `hit an uncaught error: ${error}`, now);
    this.leave(worker, 'failing', timeout, now);
  }

  private retire(worker: WorkerRecord, reason: string): void {
    const slot = this.slotOf(worker);
    if (worker.leaving || slot?.current !== worker.id || slot.replace) return;
    this.log('log', `worker ${worker.id} in slot ${worker.slot} is replaced: ${reason}`);
    slot.replace = 'retire';
  }

  private exited(worker: WorkerRecord, code: number | null, signal: string | null, now: number): void {
    this.state.workers.delete(worker.id);
    this.leadership.died(worker.id, now);
    if (worker.leaving) return;
    const how = signal ? `was ended by ${signal}` : `exited with code ${code}`;
    const when =
      worker.readyAt === undefined
        ? 'before it was ready'
        : `${Math.round(now - worker.readyAt)} ms after it became ready`;
    if (this.state.phase === 'stopping') return;
    if (code === EXIT_CONFIG && worker.readyAt === undefined) this.giveUpOnBoot(worker, EXIT_CONFIG);
    this.crashed(worker, `${how} ${when}`, now);
  }

  /** The worker no longer counts for its slot: who takes its place, and when? */
  private crashed(worker: WorkerRecord, how: string, now: number): void {
    const slot = this.slotOf(worker);
    this.log('warn', `worker ${worker.id} in slot ${worker.slot} ${how}`);
    this.leadership.dismiss(worker.id);
    if (!slot) return;
    if (slot.successor === worker.id) {
      slot.successor = undefined;
      if (slot.replace === 'reload') {
        this.reload?.successorLost(slot, worker, how, now);
        return;
      }
    } else if (slot.current === worker.id) slot.current = undefined;
    else return;
    this.state.blamed = worker.id;
    this.delayRestart(slot, worker, now);
    if (worker.readyAt === undefined && !this.state.everReady) {
      this.state.bootFailures += 1;
      if (this.state.bootFailures >= MAX_BOOT_FAILURES) this.giveUpOnBoot(worker, 1);
    }
  }

  private delayRestart(slot: SlotRecord, worker: WorkerRecord, now: number): void {
    const healthy = worker.readyAt !== undefined && now - worker.readyAt >= this.options.restart.resetAfter;
    slot.streak = healthy ? 0 : slot.streak + 1;
    slot.retryAt = now + restartDelay(this.options.restart, slot.streak, healthy, this.random);
    if (this.breaker.crashed(now, worker.id)) {
      this.log(
        'error',
        `crash loop: more than ${this.maxCrashes()} crashes in ${this.options.restart.window} ms; one slot at a time tries again`,
      );
      this.reload?.fail('workers crash in a loop', worker.id, now);
    }
  }

  private startReload(requester: number | undefined, now: number): void {
    if (this.state.phase !== 'running') return this.act({ type: 'reload-refused', reason: 'the cluster is stopping' });
    if (this.reload) return;
    this.breaker.reset();
    this.reload = new RollingReload(this, this.options.reload, requester, now);
    this.log('log', `reload to generation ${this.reload.generation}`);
  }

  private scale(workers: number, now: number): void {
    if (this.state.phase !== 'running') return;
    this.log('log', `scale from ${this.state.target} to ${workers} workers`);
    this.state.scalePending = true;
    this.resize(workers);
    this.breaker.tolerate(this.maxCrashes());
    for (const slot of this.state.slots.slice(workers)) {
      slot.replace = undefined;
      this.abandon(slot, now, 'scale');
    }
  }

  private stop(code: number, now: number): void {
    if (this.state.phase !== 'running' && this.state.phase !== 'idle') return;
    this.state.exitCode = code;
    this.state.phase = 'delaying';
    this.state.drainAt = now + this.options.shutdown.delay;
    this.reload?.fail('the cluster is stopping', undefined, now);
  }

  private stopNow(code: number): void {
    this.state.exitCode = code;
    this.state.phase = 'stopping';
    this.state.drainAt = undefined;
    for (const worker of this.state.workers.values()) {
      worker.leaving ??= 'stop';
      this.act({ type: 'kill', id: worker.id, signal: 'SIGKILL' });
    }
  }

  /** No worker ever worked and none will: end with the worker's own last words. */
  private giveUpOnBoot(worker: WorkerRecord, code: number): void {
    if (this.state.phase !== 'running' || this.state.everReady) return;
    this.state.phase = 'delaying';
    this.state.drainAt = -Infinity;
    this.state.exitCode = code;
    this.state.blamed = worker.id;
  }

  // ---- reconcile: what is against what is wanted ------------------------------------------------------

  private reconcile(now: number): void {
    if (this.state.drainAt !== undefined && now >= this.state.drainAt) this.drainAll(now);
    this.enforceDeadlines(now);
    if (this.state.phase === 'running') {
      this.retireSurplus(now);
      this.recycleWorn(now);
      this.advanceReload(now);
      this.replaceServed(now);
    }
    if (this.state.phase === 'running' || this.state.phase === 'delaying') this.fillSlots(now);
    this.leadership.appoint(this.candidates(), now);
    this.conclude();
  }

  private drainAll(now: number): void {
    this.state.phase = 'stopping';
    this.state.drainAt = undefined;
    for (const worker of this.state.workers.values()) this.leave(worker, 'stop', this.options.shutdown.timeout, now);
  }

  private enforceDeadlines(now: number): void {
    const { startup, watchdog } = this.options;
    for (const worker of this.state.workers.values()) {
      if (worker.exitDueAt !== undefined && now >= worker.exitDueAt) this.lostChannel(worker, now);
      if (worker.leaving) {
        this.escalate(worker, now);
      } else if (worker.readyAt === undefined) {
        if (now >= worker.forkedAt + startup.timeout)
          this.discard(worker, 'boot-timeout', `was not ready within ${startup.timeout} ms (startup.timeout)`, now);
      } else if (now >= worker.heardAt + watchdog.killAfter) {
        this.discard(worker, 'hang', `was silent for ${watchdog.killAfter} ms (watchdog.killAfter)`, now);
      } else if (worker.phase === 'ready' && now >= worker.heardAt + watchdog.suspectAfter) {
        worker.phase = 'unhealthy';
        this.leadership.dismiss(worker.id);
        this.act({ type: 'suspected', id: worker.id, suspect: true });
        this.log('warn', `worker ${worker.id} in slot ${worker.slot} is silent; it gets no new work until it is heard`);
      }
    }
  }

  /** A worker past its drain deadline gets SIGTERM, then SIGKILL. */
  private escalate(worker: WorkerRecord, now: number): void {
    if (worker.termAt !== undefined && now >= worker.termAt) {
      worker.termAt = undefined;
      worker.phase = 'stopping';
      this.log('warn', `worker ${worker.id} in slot ${worker.slot} did not finish in time and gets SIGTERM`);
      this.act({ type: 'kill', id: worker.id, signal: 'SIGTERM' });
    }
    if (worker.killAt !== undefined && now >= worker.killAt) {
      worker.killAt = undefined;
      worker.phase = 'stopping';
      this.log('warn', `worker ${worker.id} in slot ${worker.slot} is killed`);
      this.act({ type: 'kill', id: worker.id, signal: 'SIGKILL' });
    }
  }

  /** The control channel closed but the process lives on: it cannot be supervised any more. */
  private lostChannel(worker: WorkerRecord, now: number): void {
    worker.exitDueAt = undefined;
    if (worker.leaving) return;
    this.crashed(worker, 'closed its control channel', now);
    this.leave(worker, 'disconnected', this.options.shutdown.timeout, now);
  }

  /** Ends a worker that is beyond hope at once, and counts it as a crash. */
  private discard(worker: WorkerRecord, reason: LeaveReason, how: string, now: number): void {
    this.crashed(worker, how, now);
    worker.leaving = reason;
    worker.phase = 'stopping';
    this.act({ type: 'kill', id: worker.id, signal: 'SIGKILL' });
  }

  private retireSurplus(now: number): void {
    for (const slot of this.state.slots.slice(this.state.target)) {
      const worker = this.worker(slot.current);
      if (worker) this.leave(worker, 'scale', this.options.shutdown.timeout, now);
      slot.current = undefined;
    }
    while (this.state.slots.length > this.state.target) this.state.slots.pop();
  }

  private recycleWorn(now: number): void {
    if (this.reload || this.state.slots.some((slot) => slot.replace === 'recycle')) return;
    for (const slot of this.state.slots) {
      const worker = this.worker(slot.current);
      if (!worker || slot.replace || worker.phase !== 'ready' || worker.leaving) continue;
      const limit = this.wornOut(worker, now);
      if (!limit) continue;
      this.log('log', `worker ${worker.id} in slot ${slot.index} is recycled: ${limit}`);
      slot.replace = 'recycle';
      return;
    }
  }

  private advanceReload(now: number): void {
    this.reload?.advance(now);
    if (this.reload?.over) this.reload = undefined;
  }

  /** Recycled and retiring workers leave as soon as their replacement is ready. */
  private replaceServed(now: number): void {
    for (const slot of this.state.slots) {
      if (!slot.replace || slot.replace === 'reload' || !this.isServing(slot.successor)) continue;
      this.promote(slot, now);
    }
  }

  private fillSlots(now: number): void {
    const vacancy = this.state.slots.some((slot) => this.isVacant(slot));
    if (this.breaker.settle(now, vacancy, (id) => this.worker(id)?.phase === 'ready')) {
      this.log('log', 'the crash loop is over: a worker stayed alive');
    }
    for (const slot of this.state.slots) {
      if (this.state.phase === 'running' && slot.replace && slot.successor === undefined)
        this.bringSuccessor(slot, now);
      if (!this.isEmpty(slot) || now < slot.retryAt || !this.breaker.allows(now)) continue;
      slot.current = this.fork(slot, this.state.generation, now);
    }
  }

  private bringSuccessor(slot: SlotRecord, now: number): void {
    if (slot.replace === 'reload') {
      slot.successor = this.fork(slot, this.reload?.generation ?? this.state.generation, now);
    } else if (slot.current === undefined) {
      slot.replace = undefined;
    } else if (now >= slot.retryAt && this.breaker.allows(now)) {
      slot.successor = this.fork(slot, this.state.generation, now);
    }
  }

  private conclude(): void {
    const { state } = this;
    if (state.phase === 'stopping' && state.workers.size === 0) {
      state.phase = 'stopped';
      this.act({ type: 'exit', code: state.exitCode, worker: state.exitCode === 0 ? undefined : state.blamed });
    }
    if (!state.scalePending || state.slots.length !== state.target) return;
    if (!state.slots.every((slot) => this.isServing(slot.current))) return;
    state.scalePending = false;
    this.act({ type: 'scaled' });
  }

  // ---- what both events and reconcile use --------------------------------------------------------------

  /** @internal */
  promote(slot: SlotRecord, now: number): void {
    const old = this.worker(slot.current);
    const reason = slot.replace ?? 'reload';
    slot.current = slot.successor;
    slot.successor = undefined;
    slot.replace = undefined;
    slot.streak = 0;
    if (old) this.leave(old, reason, this.options.shutdown.timeout, now);
  }

  /** @internal */
  abandon(slot: SlotRecord, now: number, reason: LeaveReason = 'reload-failed'): void {
    const successor = this.worker(slot.successor);
    slot.successor = undefined;
    if (!successor) return;
    if (this.isServing(successor.id)) {
      this.leave(successor, reason, this.options.shutdown.timeout, now);
      return;
    }
    successor.leaving = reason;
    successor.phase = 'stopping';
    this.act({ type: 'kill', id: successor.id, signal: 'SIGKILL' });
  }

  /** @internal */
  isServing(id: number | undefined): boolean {
    const worker = this.worker(id);
    return worker !== undefined && worker.phase === 'ready' && !worker.leaving && worker.exitDueAt === undefined;
  }

  /** @internal */
  act(action: SupervisorAction): void {
    this.actions.push(action);
  }

  private fork(slot: SlotRecord, generation: number, now: number): number {
    const id = this.state.nextId++;
    const wear = 1 - this.options.recycle.jitter * this.random();
    this.state.workers.set(id, {
      id,
      slot: slot.index,
      generation,
      forkedAt: now,
      heardAt: now,
      wear,
      phase: 'spawning',
    });
    this.breaker.forked(now, id);
    this.act({ type: 'fork', id, slot: slot.index, generation });
    return id;
  }

  private leave(worker: WorkerRecord, reason: LeaveReason, timeout: number, now: number): void {
    if (worker.leaving) return;
    worker.leaving = reason;
    worker.phase = 'draining';
    worker.termAt = now + timeout;
    worker.killAt = now + timeout + this.options.shutdown.killAfter;
    this.leadership.dismiss(worker.id);
    this.act({ type: 'drain', id: worker.id, timeout, reason });
  }

  private resize(workers: number): void {
    this.state.target = workers;
    for (let index = this.state.slots.length; index < workers; index += 1) {
      this.state.slots.push({ index, streak: 0, retryAt: 0 });
    }
  }

  /**
   * A machine that was suspended, or a primary whose own loop was blocked, has heard nobody: the wait
   * for a heartbeat begins anew after an overdue tick.
   */
  private forgiveStall(now: number): void {
    const due = this.lastWake;
    this.lastWake = undefined;
    if (due !== undefined && now - due > this.options.watchdog.interval) {
      for (const worker of this.state.workers.values()) worker.heardAt = now;
    }
  }

  private lastWake: number | undefined;

  /** Told by the shell when it set its timer, so that a late wake-up can be recognised. */
  expectWake(at: number): void {
    this.lastWake = at;
  }

  private wornOut(worker: WorkerRecord, now: number): string | undefined {
    const { memory, requests, age, minLifetime } = this.options.recycle;
    const lived = now - (worker.readyAt ?? now);
    if (lived < minLifetime) return undefined;
    if (age !== undefined && lived >= age * worker.wear) return `age ${Math.round(lived)} ms`;
    if (!worker.vitals) return undefined;
    if (memory !== undefined && worker.vitals.rss >= memory * worker.wear) return `memory ${worker.vitals.rss} bytes`;
    if (requests !== undefined && worker.vitals.requests >= requests * worker.wear)
      return `${worker.vitals.requests} requests`;
    return undefined;
  }

  private wornAt(worker: WorkerRecord): number {
    const { age, minLifetime } = this.options.recycle;
    if (age === undefined || worker.readyAt === undefined || this.slotOf(worker)?.replace) return Infinity;
    return worker.readyAt + Math.max(minLifetime, age * worker.wear);
  }

  private maxCrashes(): number {
    return this.options.restart.maxCrashes ?? defaultMaxCrashes(this.state.target);
  }

  /** Nothing serves the slot nor is about to, and something should. */
  private isEmpty(slot: SlotRecord): boolean {
    return slot.index < this.state.target && slot.current === undefined && this.state.phase !== 'stopping';
  }

  /** A process is to be forked for the slot, now or at its retry time. */
  private isVacant(slot: SlotRecord): boolean {
    if (this.isEmpty(slot)) return true;
    return this.state.phase === 'running' && slot.replace !== undefined && slot.successor === undefined;
  }

  private *candidates(): Iterable<number> {
    for (const slot of this.state.slots) if (this.isServing(slot.current)) yield slot.current!;
  }

  private worker(id: number | undefined): WorkerRecord | undefined {
    return id === undefined ? undefined : this.state.workers.get(id);
  }

  private slotOf(worker: WorkerRecord): SlotRecord | undefined {
    return this.state.slots[worker.slot];
  }

  private log(level: 'log' | 'warn' | 'error', message: string): void {
    this.act({ type: 'log', level, message });
  }
}
