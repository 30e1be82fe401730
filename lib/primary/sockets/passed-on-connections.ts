import type { Clock } from '../../platform/clock.js';
import { isServing } from '../supervisor/worker-pool.js';
import type { WorkerRecord } from '../supervisor/supervisor.types.js';
import type { AcceptedHandle } from './bind.js';
import { type Choice, type HandOver, HandOvers, type Visitor } from './handoffs.js';

interface PassedOn extends Visitor {
  /** Workers that had it, or were asked to take it. */
  readonly tried: Set<number>;
}

/**
 * Connections of clients that stay, from a worker that leaves: each goes to another worker whose server listens at the
 * same address. Where there is none it is closed, as it would have been by the worker that left.
 */
export class PassedOnConnections {
  private readonly handOvers: HandOvers<PassedOn>;
  private turn = 0;

  /** @param workers those there are */
  constructor(
    handOver: HandOver,
    private readonly workers: () => Iterable<WorkerRecord>,
    clock: Clock,
  ) {
    this.handOvers = new HandOvers(handOver, (passedOn) => this.chosen(passedOn), clock);
  }

  offer(from: number, key: string, connection: AcceptedHandle): void {
    this.handOvers.offer({ key, connection, tried: new Set([from]) });
  }

  /** A worker's word about the connection that it was handed as `seq`. */
  taken(seq: number, accepted: boolean): void {
    this.handOvers.taken(seq, accepted);
  }

  /** The worker has read the answer to that heartbeat. */
  read(worker: number, answered: number): void {
    this.handOvers.read(worker, answered);
  }

  /** The worker is gone, and takes nothing any more. */
  gone(worker: number): void {
    this.handOvers.gone(worker);
  }

  /** The workers of the newest generation in turn: in a reload the others are about to leave, too. */
  private chosen({ tried }: PassedOn): Choice {
    const able = [...this.workers()].filter((worker) => isServing(worker) && !tried.has(worker.id));
    const newest = Math.max(...able.map(({ generation }) => generation));
    const likely = able.filter(({ generation }) => generation === newest);
    const worker = likely[(this.turn += 1) % likely.length];
    if (!worker) return 'never';
    tried.add(worker.id);
    return worker.id;
  }
}
