import { type Clock, quietTurn, whenTrue } from '../../platform/clock.js';
import type { ListenAnswer, ListenRequest } from '../../protocol/listening.js';
import type { SupervisorState } from '../supervisor/supervisor.types.js';
import { type AcceptedHandle, bind, type BoundSocket } from './bind.js';
import { type Doorkeeper, LAST_ADMISSION_TIMEOUT } from './binder.js';
import { clientAddress } from './client-address.js';
import { FORWARDED_TIMEOUT, forwardedClient } from './forwarded-client.js';
import { type Choice, type HandOver, HandOvers, type Visitor } from './handoffs.js';
import { rendezvousOrder } from './rendezvous.js';
import { isGivenUp, isReleased, takesConnections } from '../supervisor/standing.js';

interface KnownVisitor extends Visitor {
  /** The client's address. */
  readonly client: string;
}

interface StickyAddress {
  readonly socket: BoundSocket;
  readonly answer: ListenAnswer;
  /** Workers whose server listens. */
  readonly guests: Set<number>;
}

/**
 * `listen: 'sticky'`. The primary accepts and gives each connection to the slot that its client belongs to.
 * While no worker serves, connections wait.
 */
export class StickySockets implements Doorkeeper {
  private readonly addresses = new Map<string, StickyAddress>();
  private readonly handOvers: HandOvers<KnownVisitor>;
  private state: Readonly<SupervisorState> | undefined;
  private accepted = 0;
  /** Connections whose first request is being read. */
  private reading = 0;

  /** @param proxies how many proxies are in front; 0: a connection's peer is the client */
  constructor(
    handOver: HandOver,
    private readonly proxies: number,
    private readonly clock: Clock,
  ) {
    this.handOvers = new HandOvers(handOver, (visitor) => this.chosen(visitor), clock);
  }

  listen(worker: number, _slot: number, request: ListenRequest): ListenAnswer {
    const address = this.addresses.get(request.key) ?? this.open(request);
    if (typeof address === 'number') return { errno: address };
    address.guests.add(worker);
    this.settle();
    return address.answer;
  }

  unlisten(worker: number, key: string): void {
    const address = this.addresses.get(key);
    address?.guests.delete(worker);
    if (address && isReleased(address.guests, this.state?.workers.get(worker))) this.release(key, address);
    this.settle();
  }

  shut(): void {
    // Nobody but the primary has a socket here.
  }

  taken(seq: number, accepted: boolean): void {
    this.handOvers.taken(seq, accepted);
  }

  read(worker: number, answered: number): void {
    this.handOvers.read(worker, answered);
  }

  gone(worker: number): void {
    this.handOvers.gone(worker);
  }

  update(state: Readonly<SupervisorState>): void {
    this.state = state;
    this.settle();
  }

  async close(): Promise<void> {
    await quietTurn(() => this.accepted, this.clock, LAST_ADMISSION_TIMEOUT);
    for (const { socket } of this.addresses.values()) socket.close();
    await whenTrue(() => this.reading === 0, this.clock, FORWARDED_TIMEOUT);
    await this.handOvers.emptied();
  }

  private open(request: ListenRequest): StickyAddress | number {
    const bound = bind(request);
    if (typeof bound === 'number') return bound;
    const { socket, name } = bound;
    socket.onconnection = (errno, connection) => {
      this.accepted += 1;
      if (errno === 0 && connection) void this.welcome(request.key, connection);
    };
    const errno = socket.listen(request.backlog);
    if (errno !== 0) {
      socket.close();
      return errno;
    }
    const address = { socket, guests: new Set<number>(), answer: { name, shared: request.shared } };
    this.addresses.set(request.key, address);
    return address;
  }

  private async welcome(key: string, connection: AcceptedHandle): Promise<void> {
    if (this.proxies === 0) return this.handOvers.offer({ key, client: peerOf(connection), connection });
    this.reading += 1;
    const forwarded = await forwardedClient(connection, this.proxies, this.clock);
    this.reading -= 1;
    if (!forwarded) return;
    const client = forwarded.address ?? peerOf(connection);
    this.handOvers.offer({ key, client, connection, head: forwarded.head.toString('base64') });
  }

  /** The worker that serves the client's slot; where none does, that of its next slot. */
  private chosen({ key, client }: KnownVisitor): Choice {
    const guests = this.addresses.get(key)?.guests;
    if (!guests) return 'never';
    const bySlot = new Map<number, number>();
    for (const worker of this.state?.workers.values() ?? []) {
      if (guests.has(worker.id) && takesConnections(worker)) bySlot.set(worker.slot, worker.id);
    }
    const [slot] = rendezvousOrder(client, [...bySlot.keys()]);
    return slot === undefined ? 'later' : bySlot.get(slot)!;
  }

  private release(key: string, address: StickyAddress): void {
    address.socket.close();
    this.addresses.delete(key);
  }

  private settle(): void {
    const workers = this.state?.workers;
    if (!workers) return;
    for (const [key, address] of this.addresses) {
      const { guests } = address;
      for (const id of guests) if (!workers.has(id)) guests.delete(id);
      if (isGivenUp(guests, workers.values())) this.release(key, address);
    }
    this.handOvers.retry();
  }
}

function peerOf(connection: AcceptedHandle): string {
  const out: { address?: string } = {};
  connection.getpeername?.(out);
  // A client of a Unix socket has no address: all of them are one.
  return clientAddress(out.address ?? '') ?? '';
}
