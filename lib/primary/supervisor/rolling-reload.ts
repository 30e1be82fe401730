import type { WorkerPool } from './worker-pool.js';
import type { SlotRecord, WorkerRecord } from './supervisor.types.js';

/**
 * One rolling reload. A canary of the new generation must become ready and stay healthy; then the other slots follow,
 * `surge` at a time, the requester's last. An old worker leaves only after its replacement is ready, so capacity never
 * falls below the number of slots. If a new worker fails, the workers that serve stay.
 */
export class RollingReload {
  readonly generation: number;
  private stage: 'canary' | 'soak' | 'rolling' = 'canary';
  private soakUntil = Infinity;
  private readonly replaced: { slot: number; oldId: number | undefined; newId: number }[] = [];
  /** Workers that requested this reload and wait for its outcome: they leave only at its end. */
  private readonly requesters = new Set<number>();
  private ended = false;

  constructor(
    private readonly pool: WorkerPool,
    private readonly startedAt: number,
  ) {
    this.generation = pool.state.generation + 1;
  }

  get over(): boolean {
    return this.ended;
  }

  /** When the reload can continue without a further event; Infinity if it waits for one. */
  get wakeAt(): number {
    return this.stage === 'soak' && !this.ended ? this.soakUntil : Infinity;
  }

  /** The worker waits for the outcome. */
  awaitedBy(worker: number): void {
    this.requesters.add(worker);
  }

  /** Takes every step that is due. */
  advance(now: number): void {
    if (this.ended) return;
    if (this.stage !== 'rolling') this.watchCanary(now);
    if (this.stage === 'rolling') this.roll(now);
  }

  /** A worker of the new generation that was not yet promoted is gone or failing. */
  successorLost(slot: SlotRecord, worker: WorkerRecord, why: string, now: number): void {
    if (this.ended || worker.generation !== this.generation) return;
    const which = this.stage === 'rolling' ? 'a worker' : 'the first worker';
    this.fail(`${which} of the new build, in slot ${slot.index}, ${why}`, worker.id, now);
  }

  /** Ends the reload as failed; the workers that serve stay. */
  fail(reason: string, worker: number | undefined, now: number): void {
    if (this.ended) return;
    this.ended = true;
    for (const slot of this.pool.state.slots) {
      if (slot.replace !== 'reload') continue;
      slot.replace = undefined;
      this.pool.abandon(slot, now);
    }
    this.report('failed', reason);
    this.pool.act({ type: 'reload-failed', reason, worker });
  }

  private watchCanary(now: number): void {
    const slot = this.active().find((candidate) => candidate.replace === 'reload') ?? this.choose();
    if (!slot) return this.succeed(now);
    if (slot.replace !== 'reload') {
      this.stage = 'canary';
      this.mark(slot, now);
      this.report('canary');
      return;
    }
    if (!this.pool.isServing(slot.successor)) return;
    if (this.stage === 'canary') {
      this.stage = 'soak';
      this.soakUntil = now + this.pool.options.reload.canaryTime;
    }
    if (now < this.soakUntil) return;
    this.stage = 'rolling';
    // From now on, empty slots are filled with the new build.
    this.pool.state.generation = this.generation;
  }

  private roll(now: number): void {
    for (const slot of this.underway()) {
      if (this.isHeld(slot) || !this.pool.isServing(slot.successor)) continue;
      this.count(slot);
      this.pool.promote(slot, now);
    }
    let room = this.pool.options.reload.surge - this.extraProcesses();
    for (let slot = this.choose(); slot && room > 0; slot = this.choose(), room -= 1) this.mark(slot, now);
    if (!this.choose()) this.finish(now);
  }

  /**
   * Once every slot has a ready worker of the new generation, the old workers that were held back are replaced. Those
   * that requested the reload are answered before they are told to leave.
   */
  private finish(now: number): void {
    const held = this.underway();
    const stands = this.active().every((slot) =>
      held.includes(slot)
        ? this.pool.isServing(slot.successor)
        : this.isRenewed(slot) && this.pool.isServing(slot.current),
    );
    if (!stands) return;
    for (const slot of held) this.count(slot);
    this.succeed(now);
    for (const slot of held) this.pool.promote(slot, now);
  }

  /**
   * Whether the old worker stays until the end of the reload although its replacement is ready. A worker that waits for
   * the outcome cannot finish earlier, and 'rollback' may need every old worker.
   */
  private isHeld(slot: SlotRecord): boolean {
    if (this.pool.options.reload.onFailure === 'rollback') return true;
    return slot.current !== undefined && this.requesters.has(slot.current);
  }

  private count(slot: SlotRecord): void {
    this.replaced.push({ slot: slot.index, oldId: slot.current, newId: slot.successor! });
    this.report('rolling');
  }

  private mark(slot: SlotRecord, now: number): void {
    // A replacement that was started for another reason runs the old build.
    this.pool.abandon(slot, now);
    slot.replace = 'reload';
  }

  private succeed(now: number): void {
    if (this.ended) return;
    this.ended = true;
    this.pool.state.generation = this.generation;
    this.report('done');
    this.pool.act({
      type: 'reload-done',
      generation: this.generation,
      duration: now - this.startedAt,
      replaced: [...this.replaced].sort((a, b) => a.slot - b.slot),
    });
  }

  private report(phase: 'canary' | 'rolling' | 'done' | 'failed', reason?: string): void {
    const progress = {
      phase,
      generation: this.generation,
      replaced: this.replaced.length,
      total: this.pool.state.target,
    };
    this.pool.act({ type: 'reload-progress', progress: reason === undefined ? progress : { ...progress, reason } });
  }

  /** The next slot to replace; the slots of requesters come last. */
  private choose(): SlotRecord | undefined {
    const old = this.active().filter((slot) => slot.replace !== 'reload' && !this.isRenewed(slot));
    return old.find(({ current }) => current === undefined || !this.requesters.has(current)) ?? old[0];
  }

  /** Whether the slot needs no replacement: its worker is of the new generation, or will be when the slot is filled. */
  private isRenewed(slot: SlotRecord): boolean {
    if (slot.replace === 'reload') return false;
    const current = slot.current === undefined ? undefined : this.pool.state.workers.get(slot.current);
    // In the stage 'rolling', the supervisor fills an empty slot with the new generation.
    return current === undefined ? this.stage === 'rolling' : current.generation >= this.generation;
  }

  private underway(): SlotRecord[] {
    return this.active().filter((slot) => slot.replace === 'reload');
  }

  /** How many replacements are booting plus how many old workers have not exited yet; `surge` limits the sum. */
  private extraProcesses(): number {
    let leaving = 0;
    for (const worker of this.pool.state.workers.values()) if (worker.leaving === 'reload') leaving += 1;
    return this.underway().filter((slot) => !this.pool.isServing(slot.successor)).length + leaving;
  }

  private active(): SlotRecord[] {
    return this.pool.state.slots.filter((slot) => slot.index < this.pool.state.target);
  }
}
