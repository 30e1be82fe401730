import type { WorkerPool } from './worker-pool.js';
import type { SlotRecord, WorkerRecord } from './supervisor.types.js';

/**
 * One rolling reload. A canary of the new generation must become ready and stay healthy; then the other
 * slots follow, `surge` at a time, the requester's last. An old worker goes only after its replacement is
 * ready, so capacity never falls below the number of slots. Whoever fails, the workers that serve stay.
 */
export class RollingReload {
  readonly generation: number;
  private stage: 'canary' | 'soak' | 'rolling' = 'canary';
  private soakUntil = Infinity;
  private readonly replaced: { slot: number; oldId: number | undefined; newId: number }[] = [];
  /** Workers that wait for the end of this reload: none of them can leave before. */
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

  /** When time alone lets the reload go on. */
  get wakeAt(): number {
    return this.stage === 'soak' && !this.ended ? this.soakUntil : Infinity;
  }

  /** A worker waits for the outcome. */
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

  /** Ends the reload without success; workers that serve go on serving. */
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
    // From here on the new build is what an empty slot is filled with.
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

  /** When the whole new generation stands, those who were held go: first the answer, then the word to leave. */
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
   * Whether the old worker stays until the end although its replacement is ready: one that awaits the
   * outcome could not finish before, and 'rollback' may need them all.
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
    // A replacement under way for another reason is of the old build.
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

  /** The next slot to replace; the requesters' come last. */
  private choose(): SlotRecord | undefined {
    const old = this.active().filter((slot) => slot.replace !== 'reload' && !this.isRenewed(slot));
    return old.find(({ current }) => current === undefined || !this.requesters.has(current)) ?? old[0];
  }

  /** Whether the slot needs no replacement: what is in it, or will be put there, is of the new generation. */
  private isRenewed(slot: SlotRecord): boolean {
    if (slot.replace === 'reload') return false;
    const current = slot.current === undefined ? undefined : this.pool.state.workers.get(slot.current);
    // An empty slot is filled with the new generation by the restart policy.
    return current === undefined ? this.stage === 'rolling' : current.generation >= this.generation;
  }

  private underway(): SlotRecord[] {
    return this.active().filter((slot) => slot.replace === 'reload');
  }

  /** Replacements that are booting and old workers not yet gone: what `surge` bounds. */
  private extraProcesses(): number {
    let leaving = 0;
    for (const worker of this.pool.state.workers.values()) if (worker.leaving === 'reload') leaving += 1;
    return this.underway().filter((slot) => !this.pool.isServing(slot.successor)).length + leaving;
  }

  private active(): SlotRecord[] {
    return this.pool.state.slots.filter((slot) => slot.index < this.pool.state.target);
  }
}
