import type { WorkerPool } from './worker-pool.js';
import type { WorkerRecord } from './supervisor.types.js';

/**
 * Replaces workers that have reached a limit of memory, requests or age, one at a time. The limits of each worker have
 * their own jitter.
 */
export class Recycler {
  constructor(private readonly pool: WorkerPool) {}

  /** When the next worker reaches the age limit. */
  get wakeAt(): number {
    const { age, minLifetime } = this.pool.options.recycle;
    if (age === undefined || this.busy) return Infinity;
    let at = Infinity;
    for (const worker of this.replaceable()) {
      at = Math.min(at, worker.readyAt! + Math.max(minLifetime, age * worker.recycleFactor));
    }
    return at;
  }

  /** Marks the first worker that has reached a limit for replacement. */
  recycle(now: number): void {
    if (this.busy) return;
    for (const worker of this.replaceable()) {
      const limit = this.limitReached(worker, now);
      if (limit === undefined) continue;
      this.pool.log('log', `${this.pool.nameOf(worker)} is recycled: ${limit}`);
      this.pool.slotOf(worker)!.replace = 'recycle';
      return;
    }
  }

  private get busy(): boolean {
    return this.pool.state.slots.some(({ replace }) => replace === 'recycle');
  }

  private *replaceable(): Iterable<WorkerRecord> {
    for (const slot of this.pool.state.slots) {
      if (!slot.replace && this.pool.isServing(slot.current)) yield this.pool.worker(slot.current)!;
    }
  }

  private limitReached({ readyAt, vitals, recycleFactor }: WorkerRecord, now: number): string | undefined {
    const { memory, requests, age, minLifetime } = this.pool.options.recycle;
    const lived = now - readyAt!;
    if (lived < minLifetime) return undefined;
    if (age !== undefined && lived >= age * recycleFactor) return `it is ${Math.round(lived)} ms old`;
    if (!vitals) return undefined;
    if (memory !== undefined && vitals.rss >= memory * recycleFactor) return `it takes ${vitals.rss} bytes of memory`;
    if (requests !== undefined && vitals.requests >= requests * recycleFactor)
      return `it has begun ${vitals.requests} requests`;
    return undefined;
  }
}
