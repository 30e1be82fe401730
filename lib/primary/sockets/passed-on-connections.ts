import type { Clock } from '../../platform/clock.js';
import { isServing } from '../supervisor/worker-pool.js';
import type { WorkerRecord } from '../supervisor/supervisor.types.js';
import type { AcceptedHandle } from './bind.js';
import { type Choice, type SendHandoff, Handoffs } from './handoffs.js';
import type { AcceptedConnection } from './accepted-connection.js';

interface PassedOn extends AcceptedConnection {
  /** Workers that had the connection or were offered it. */
  readonly tried: Set<number>;
}

/**
 * Connections that a leaving worker passes on, because their clients stay. Each goes to another worker whose server
 * listens on the same address. If there is none, it is closed, as the leaving worker would have done.
 */
export class PassedOnConnections {
  private readonly handoffs: Handoffs<PassedOn>;
  private turn = 0;

  /** @param workers returns all workers */
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

  /** A worker has answered whether it accepted the connection that it was sent as `seq`. */
  ack(seq: number, accepted: boolean): void {
    this.handoffs.ack(seq, accepted);
  }

  /** The worker has read the answer to the heartbeat `answered`. */
  read(worker: number, answered: number): void {
    this.handoffs.read(worker, answered);
  }

  /** The worker is gone and takes no connection any more. */
  gone(worker: number): void {
    this.handoffs.gone(worker);
  }

  /** Chooses the workers of the newest generation in turn, because in a reload the older ones will leave soon, too. */
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
