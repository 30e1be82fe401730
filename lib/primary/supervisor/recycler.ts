import type { Floor } from './worker-pool.js';
import type { WorkerRecord } from './supervisor.types.js';

/** Has worn-out workers replaced, one at a time: by memory, requests or age, each with its own jitter. */
export class Recycler {
  constructor(private readonly floor: Floor) {}

  /** When the next worker is too old. */
  get wakeAt(): number {
    const { age, minLifetime } = this.floor.options.recycle;
    if (age === undefined || this.busy) return Infinity;
    let at = Infinity;
    for (const worker of this.replaceable()) {
      at = Math.min(at, worker.readyAt! + Math.max(minLifetime, age * worker.wear));
    }
    return at;
  }

  /** Marks the first worn-out worker for replacement. */
  recycle(now: number): void {
    if (this.busy) return;
    for (const worker of this.replaceable()) {
      const limit = this.limitReached(worker, now);
      if (limit === undefined) continue;
      this.floor.log('log', `${this.floor.nameOf(worker)} is recycled: ${limit}`);
      this.floor.slotOf(worker)!.replace = 'recycle';
      return;
    }
  }

  private get busy(): boolean {
    return this.floor.state.slots.some(({ replace }) => replace === 'recycle');
  }

  private *replaceable(): Iterable<WorkerRecord> {
    for (const slot of this.floor.state.slots) {
      if (!slot.replace && this.floor.isServing(slot.current)) yield this.floor.worker(slot.current)!;
    }
  }

  private limitReached({ readyAt, vitals, wear }: WorkerRecord, now: number): string | undefined {
    const { memory, requests, age, minLifetime } = this.floor.options.recycle;
    const lived = now - readyAt!;
    if (lived < minLifetime) return undefined;
    if (age !== undefined && lived >= age * wear) return `it is ${Math.round(lived)} ms old`;
    if (!vitals) return undefined;
    if (memory !== undefined && vitals.rss >= memory * wear) return `it takes ${vitals.rss} bytes of memory`;
    if (requests !== undefined && vitals.requests >= requests * wear) return `it has begun ${vitals.requests} requests`;
    return undefined;
  }
}
