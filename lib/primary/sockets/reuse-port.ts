import { BACKLOG_TIMEOUT, type Clock, idleTurn, until } from '../../platform/clock.js';
import type { ListenAnswer, ListenRequest } from '../../protocol/listening.js';
import { isServing } from '../supervisor/worker-pool.js';
import type { SupervisorState, WorkerRecord } from '../supervisor/supervisor.types.js';
import { type Binder, LAST_BACKLOG_TIMEOUT } from './binder.js';
import { type Choice, type SendHandoff, Handoffs } from './handoffs.js';
import type { AcceptedConnection } from './accepted-connection.js';
import type { Acceptor } from './assign-sockets.js';
import { SlotAddress, type SocketSender } from './slot-address.js';
import { isGivenUp, isPresent, isReleased, takesConnections } from '../supervisor/standing.js';

/**
 * `listen: 'reuse-port'`. The primary binds one SO_REUSEPORT socket for each slot and address and keeps it; the kernel
 * spreads connections over them, and the workers accept by themselves. A socket outlives its workers, so connections
 * that wait in its queue are never reset. When the cluster stops, the primary accepts the last connections: a worker
 * that is busy with its clients would return to its queue too late to empty it.
 */
export class ReusePortBinder implements Binder {
  private readonly addresses = new Map<string, SlotAddress>();
  private readonly lastConnections: Handoffs<AcceptedConnection>;
  private state: Readonly<SupervisorState> | undefined;
  private closed = false;
  private accepted = 0;

  constructor(
    private readonly sockets: SocketSender,
    sendHandoff: SendHandoff,
    private readonly clock: Clock,
  ) {
    this.lastConnections = new Handoffs(sendHandoff, (accepted) => this.chosen(accepted), clock);
  }

  listen(worker: number, slot: number, request: ListenRequest): ListenAnswer {
    const address = this.addresses.get(request.key) ?? new SlotAddress(request, this.sockets);
    const answer = address.bind(slot);
    if ('errno' in answer) return answer;
    this.addresses.set(request.key, address);
    address.listeningWorkers.add(worker);
    this.settle();
    return answer;
  }

  unlisten(worker: number, key: string): void {
    const address = this.addresses.get(key);
    address?.left(worker);
    if (address && !this.closed && isReleased(address.listeningWorkers, this.state?.workers.get(worker)))
      this.release(address);
    this.settle();
  }

  released(worker: number, key: string, slot: number): void {
    this.addresses.get(key)?.released(worker, slot);
  }

  handoffAck(seq: number, accepted: boolean): void {
    this.lastConnections.ack(seq, accepted);
  }

  read(worker: number, answered: number): void {
    this.lastConnections.read(worker, answered);
  }

  gone(worker: number): void {
    for (const address of this.addresses.values()) address.left(worker);
    this.lastConnections.gone(worker);
  }

  update(state: Readonly<SupervisorState>): void {
    this.state = state;
    this.settle();
  }

  async close(): Promise<void> {
    this.closed = true;
    const addresses = [...this.addresses.values()];
    if (addresses.length === 0) return;
    for (const address of addresses) {
      address.takeOver((connection) => {
        this.accepted += 1;
        this.lastConnections.offer({ key: address.key, handle: connection });
      });
    }
    // A blocked worker does not close its copies, so the wait has a timeout.
    await until(() => addresses.every(({ isHeld }) => !isHeld), this.clock, BACKLOG_TIMEOUT);
    await idleTurn(() => this.accepted, this.clock, LAST_BACKLOG_TIMEOUT);
    for (const address of addresses) address.close();
    await this.lastConnections.emptied();
  }

  /** Chooses the workers in turn. */
  private chosen({ key }: AcceptedConnection): Choice {
    const { listeningWorkers } = this.addresses.get(key) ?? {};
    const able = [...(this.state?.workers.values() ?? [])].filter(
      (worker) => listeningWorkers?.has(worker.id) && takesConnections(worker),
    );
    return able[this.accepted % able.length]?.id ?? 'never';
  }

  private release(address: SlotAddress): void {
    address.close();
    this.addresses.delete(address.key);
  }

  private settle(): void {
    const { state } = this;
    if (!state || this.closed) return;
    const workers = [...state.workers.values()];
    for (const address of this.addresses.values()) {
      for (const id of address.listeningWorkers) if (!state.workers.has(id)) address.listeningWorkers.delete(id);
      if (isGivenUp(address.listeningWorkers, workers)) {
        this.release(address);
      } else {
        address.lease(
          workers.filter((worker) => address.listeningWorkers.has(worker.id) && isPresent(worker)).map(acceptorOf),
        );
      }
    }
  }
}

function acceptorOf(worker: WorkerRecord): Acceptor {
  const { id, slot, vitals } = worker;
  return { id, slot, serves: isServing(worker), connections: vitals?.connections ?? 0 };
}
