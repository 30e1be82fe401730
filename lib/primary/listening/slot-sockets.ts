import type { ListenAnswer, ListenRequest } from '../../protocol/listening.js';
import { isServing } from '../floor.js';
import type { SupervisorState, WorkerRecord } from '../supervisor.types.js';
import type { Doorkeeper } from './doorkeeper.js';
import type { Seat } from './leases.js';
import { SlotAddress, type Doors } from './slot-address.js';
import { isGivenUp, isPresent } from './standing.js';

/**
 * `listen: 'reuse-port'`. The primary binds one SO_REUSEPORT socket for each slot and address and keeps it; the
 * kernel spreads connections over them, and workers accept by themselves. A socket outlives its workers, so
 * that connections that wait in its queue are never reset.
 */
export class SlotSockets implements Doorkeeper {
  private readonly addresses = new Map<string, SlotAddress>();
  private state: Readonly<SupervisorState> | undefined;
  private closed = false;

  constructor(private readonly doors: Doors) {}

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
    this.addresses.get(key)?.guests.delete(worker);
    this.settle();
  }

  taken(): void {
    // Nothing is handed over here.
  }

  gone(): void {
    // Its sockets are here, and whose they are was decided when its end was heard of.
  }

  update(state: Readonly<SupervisorState>): void {
    this.state = state;
    this.settle();
  }

  close(): Promise<void> {
    this.closed = true;
    for (const address of this.addresses.values()) address.close();
    return Promise.resolve();
  }

  private settle(): void {
    const { state } = this;
    if (!state || this.closed) return;
    const workers = [...state.workers.values()];
    for (const [key, address] of this.addresses) {
      for (const id of address.guests) if (!state.workers.has(id)) address.guests.delete(id);
      if (isGivenUp(address.guests, workers)) {
        address.close();
        this.addresses.delete(key);
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
