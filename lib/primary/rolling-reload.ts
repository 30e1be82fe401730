import type { Floor } from './floor.js';
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
  private ended = false;

  constructor(
    private readonly floor: Floor,
    private readonly requester: number | undefined,
    private readonly startedAt: number,
  ) {
    this.generation = floor.state.generation + 1;
  }

  get over(): boolean {
    return this.ended;
  }

  /** When time alone lets the reload go on. */
  get wakeAt(): number {
    return this.stage === 'soak' && !this.ended ? this.soakUntil : Infinity;
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
    for (const slot of this.floor.state.slots) {
      if (slot.replace !== 'reload') continue;
      slot.replace = undefined;
      this.floor.abandon(slot, now);
    }
    this.report('failed', reason);
    this.floor.act({ type: 'reload-failed', reason, worker });
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
    if (!this.floor.isServing(slot.successor)) return;
    if (this.stage === 'canary') {
      this.stage = 'soak';
      this.soakUntil = now + this.floor.options.reload.canaryTime;
    }
    if (now < this.soakUntil) return;
    this.stage = 'rolling';
    // From here on the new build is what an empty slot is filled with.
    this.floor.state.generation = this.generation;
  }

  private roll(now: number): void {
    if (this.floor.options.reload.onFailure === 'keep') this.promoteReady(now);
    let room = this.floor.options.reload.surge - this.extraProcesses();
    for (let slot = this.choose(); slot && room > 0; slot = this.choose(), room -= 1) this.mark(slot, now);
    if (this.choose()) return;
    // 'rollback' keeps every old worker until the whole new generation stands.
    if (this.underway().every((slot) => this.floor.isServing(slot.successor))) this.promoteReady(now);
    if (this.active().every((slot) => this.stands(slot))) this.succeed(now);
  }

  private promoteReady(now: number): void {
    for (const slot of this.underway()) {
      if (!this.floor.isServing(slot.successor)) continue;
      this.replaced.push({ slot: slot.index, oldId: slot.current, newId: slot.successor! });
      slot.replace = undefined;
      this.report('rolling');
      // The requester's answer must reach it before the word to leave does.
      if (this.active().every((other) => other === slot || this.stands(other))) this.succeed(now);
      this.floor.promote(slot, now);
    }
  }

  private mark(slot: SlotRecord, now: number): void {
    // A replacement under way for another reason is of the old build.
    this.floor.abandon(slot, now);
    slot.replace = 'reload';
  }

  private succeed(now: number): void {
    if (this.ended) return;
    this.ended = true;
    this.floor.state.generation = this.generation;
    this.report('done');
    this.floor.act({
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
      total: this.floor.state.target,
    };
    this.floor.act({ type: 'reload-progress', progress: reason === undefined ? progress : { ...progress, reason } });
  }

  /** The next slot to replace; the requester's comes last. */
  private choose(): SlotRecord | undefined {
    const old = this.active().filter((slot) => slot.replace !== 'reload' && !this.isRenewed(slot));
    return old.find((slot) => slot.index !== this.requester) ?? old[0];
  }

  /** Whether the slot needs no replacement: what is in it, or will be put there, is of the new generation. */
  private isRenewed(slot: SlotRecord): boolean {
    if (slot.replace === 'reload') return false;
    const current = slot.current === undefined ? undefined : this.floor.state.workers.get(slot.current);
    // An empty slot is filled with the new generation by the restart policy.
    return current === undefined ? this.stage === 'rolling' : current.generation >= this.generation;
  }

  /** Whether the new generation serves the slot. */
  private stands(slot: SlotRecord): boolean {
    return this.isRenewed(slot) && this.floor.isServing(slot.current);
  }

  private underway(): SlotRecord[] {
    return this.active().filter((slot) => slot.replace === 'reload');
  }

  /** Replacements on their way and old workers not yet gone: what `surge` bounds. */
  private extraProcesses(): number {
    if (this.floor.options.reload.onFailure === 'rollback')
      return this.underway().filter((s) => !this.floor.isServing(s.successor)).length;
    let leaving = 0;
    for (const worker of this.floor.state.workers.values()) if (worker.leaving === 'reload') leaving += 1;
    return this.underway().length + leaving;
  }

  private active(): SlotRecord[] {
    return this.floor.state.slots.filter((slot) => slot.index < this.floor.state.target);
  }
}
