import type { Clock } from '../../platform/clock.js';
import { isServing } from '../supervisor/worker-pool.js';
import type { WorkerRecord } from '../supervisor/supervisor.types.js';
import type { AcceptedHandle } from './bind.js';
import { type Choice, type SendHandoff, Handoffs } from './handoffs.js';
import type { AcceptedConnection } from './accepted-connection.js';

interface PassedOn extends AcceptedConnection {
  /** Workers that had it, or were asked to take it. */
  readonly tried: Set<number>;
}

/**
 * Connections of clients that stay, from a worker that leaves: each goes to another worker whose server listens at the
 * same address. Where there is none it is closed, as it would have been by the worker that left.
 */
export class PassedOnConnections {
  private readonly handoffs: Handoffs<PassedOn>;
  private turn = 0;

  /** @param workers those there are */
  constructor(
    sendHandoff: SendHandoff,
    private readonly workers: () => Iterable<WorkerRecord>,
    clock: Clock,
  ) {
    this.handoffs = new Handoffs(sendHandoff, (passedOn) => this.chosen(passedOn), clock);
  }

  offer(from: number, key: string, connection: AcceptedHandle): void {
    this.handoffs.offer({ key, handle: connection, tried: new Set([from]) });
  }

  /** A worker's word about the connection that it was handed as `seq`. */
  ack(seq: number, accepted: boolean): void {
    this.handoffs.ack(seq, accepted);
  }

  /** The worker has read the answer to that heartbeat. */
  read(worker: number, answered: number): void {
    this.handoffs.read(worker, answered);
  }

  /** The worker is gone, and takes nothing any more. */
  gone(worker: number): void {
    this.handoffs.gone(worker);
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
