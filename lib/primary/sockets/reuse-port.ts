import { ADMISSION_TIMEOUT, type Clock, quietTurn, whenTrue } from '../../platform/clock.js';
import type { ListenAnswer, ListenRequest } from '../../protocol/listening.js';
import { isServing } from '../supervisor/worker-pool.js';
import type { SupervisorState, WorkerRecord } from '../supervisor/supervisor.types.js';
import { type Doorkeeper, LAST_ADMISSION_TIMEOUT } from './binder.js';
import { type Choice, type HandOver, HandOvers, type Visitor } from './handoffs.js';
import type { Seat } from './assign-sockets.js';
import { SlotAddress, type Doors } from './slot-address.js';
import { isGivenUp, isPresent, isReleased, takesConnections } from '../supervisor/standing.js';

/**
 * `listen: 'reuse-port'`. The primary binds one SO_REUSEPORT socket for each slot and address and keeps it; the
 * kernel spreads connections over them, and workers accept by themselves. A socket outlives its workers, so
 * that connections that wait in its queue are never reset. When the cluster stops the primary is the last to
 * accept: a worker that serves clients comes too late to its queue to close it empty.
 */
export class SlotSockets implements Doorkeeper {
  private readonly addresses = new Map<string, SlotAddress>();
  private readonly lastVisitors: HandOvers<Visitor>;
  private state: Readonly<SupervisorState> | undefined;
  private closed = false;
  private accepted = 0;

  constructor(
    private readonly doors: Doors,
    handOver: HandOver,
    private readonly clock: Clock,
  ) {
    this.lastVisitors = new HandOvers(handOver, (visitor) => this.chosen(visitor), clock);
  }

  listen(worker: number, slot: number, request: ListenRequest): ListenAnswer {
    const address = this.addresses.get(request.key) ?? new SlotAddress(request, this.doors);
    const answer = address.bind(slot);
    if ('errno' in answer) return answer;
    this.addresses.set(request.key, address);
    address.guests.add(worker);
    this.settle();
    return answer;
  }

  unlisten(worker: number, key: string): void {
    const address = this.addresses.get(key);
    address?.left(worker);
    if (address && !this.closed && isReleased(address.guests, this.state?.workers.get(worker))) this.release(address);
    this.settle();
  }

  shut(worker: number, key: string, slot: number): void {
    this.addresses.get(key)?.released(worker, slot);
  }

  taken(seq: number, accepted: boolean): void {
    this.lastVisitors.taken(seq, accepted);
  }

  read(worker: number, answered: number): void {
    this.lastVisitors.read(worker, answered);
  }

  gone(worker: number): void {
    for (const address of this.addresses.values()) address.left(worker);
    this.lastVisitors.gone(worker);
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
        this.lastVisitors.offer({ key: address.key, connection });
      });
    }
    // One that is blocked keeps its hold.
    await whenTrue(() => addresses.every(({ isHeld }) => !isHeld), this.clock, ADMISSION_TIMEOUT);
    await quietTurn(() => this.accepted, this.clock, LAST_ADMISSION_TIMEOUT);
    for (const address of addresses) address.close();
    await this.lastVisitors.emptied();
  }

  /** In turn. */
  private chosen({ key }: Visitor): Choice {
    const { guests } = this.addresses.get(key) ?? {};
    const able = [...(this.state?.workers.values() ?? [])].filter(
      (worker) => guests?.has(worker.id) && takesConnections(worker),
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
      for (const id of address.guests) if (!state.workers.has(id)) address.guests.delete(id);
      if (isGivenUp(address.guests, workers)) {
        this.release(address);
      } else {
        address.lease(workers.filter((worker) => address.guests.has(worker.id) && isPresent(worker)).map(seatOf));
      }
    }
  }
}

function seatOf(worker: WorkerRecord): Seat {
  const { id, slot, vitals } = worker;
  return { id, slot, serves: isServing(worker), connections: vitals?.connections ?? 0 };
}
