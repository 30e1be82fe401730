import { type Clock, idleTurn, until } from '../../platform/clock.js';
import type { ListenAnswer, ListenRequest } from '../../protocol/listening.js';
import type { SupervisorState } from '../supervisor/supervisor.types.js';
import { type AcceptedHandle, bind, type BoundSocket } from './bind.js';
import { type Binder, LAST_BACKLOG_TIMEOUT } from './binder.js';
import { clientAddress } from './client-address.js';
import { FORWARDED_TIMEOUT, forwardedClient } from './forwarded-client.js';
import { type Choice, type SendHandoff, Handoffs } from './handoffs.js';
import type { AcceptedConnection } from './accepted-connection.js';
import { rendezvousOrder } from './rendezvous.js';
import { isGivenUp, isReleased, takesConnections } from '../supervisor/standing.js';

interface KnownConnection extends AcceptedConnection {
  /** The client's address. */
  readonly client: string;
}

interface StickyAddress {
  readonly socket: BoundSocket;
  readonly answer: ListenAnswer;
  /** Workers whose server listens. */
  readonly listeningWorkers: Set<number>;
}

/**
 * `listen: 'sticky'`. The primary accepts the connections and sends each one to the worker of the client's slot. While
 * no worker serves, connections wait.
 */
export class StickyBinder implements Binder {
  private readonly addresses = new Map<string, StickyAddress>();
  private readonly handoffs: Handoffs<KnownConnection>;
  private state: Readonly<SupervisorState> | undefined;
  private accepted = 0;
  /** Connections whose first request is being read. */
  private reading = 0;

  /** @param proxies the number of proxies in front of the cluster; 0: the peer of a connection is the client */
  constructor(
    sendHandoff: SendHandoff,
    private readonly proxies: number,
    private readonly clock: Clock,
  ) {
    this.handoffs = new Handoffs(sendHandoff, (accepted) => this.chosen(accepted), clock);
  }

  listen(worker: number, _slot: number, request: ListenRequest): ListenAnswer {
    const address = this.addresses.get(request.key) ?? this.open(request);
    if (typeof address === 'number') return { errno: address };
    address.listeningWorkers.add(worker);
    this.settle();
    return address.answer;
  }

  unlisten(worker: number, key: string): void {
    const address = this.addresses.get(key);
    address?.listeningWorkers.delete(worker);
    if (address && isReleased(address.listeningWorkers, this.state?.workers.get(worker))) this.release(key, address);
    this.settle();
  }

  released(): void {
    // Only the primary has the sockets.
  }

  handoffAck(seq: number, accepted: boolean): void {
    this.handoffs.ack(seq, accepted);
  }

  read(worker: number, answered: number): void {
    this.handoffs.read(worker, answered);
  }

  gone(worker: number): void {
    this.handoffs.gone(worker);
  }

  update(state: Readonly<SupervisorState>): void {
    this.state = state;
    this.settle();
  }

  async close(): Promise<void> {
    await idleTurn(() => this.accepted, this.clock, LAST_BACKLOG_TIMEOUT);
    for (const { socket } of this.addresses.values()) socket.close();
    await until(() => this.reading === 0, this.clock, FORWARDED_TIMEOUT);
    await this.handoffs.emptied();
  }

  private open(request: ListenRequest): StickyAddress | number {
    const bound = bind(request);
    if (typeof bound === 'number') return bound;
    const { socket, name } = bound;
    socket.onconnection = (errno, connection) => {
      this.accepted += 1;
      if (errno === 0 && connection) void this.accept(request.key, connection);
    };
    const errno = socket.listen(request.backlog);
    if (errno !== 0) {
      socket.close();
      return errno;
    }
    const address = { socket, listeningWorkers: new Set<number>(), answer: { name, shared: request.shared } };
    this.addresses.set(request.key, address);
    return address;
  }

  private async accept(key: string, connection: AcceptedHandle): Promise<void> {
    if (this.proxies === 0) return this.handoffs.offer({ key, client: peerOf(connection), handle: connection });
    this.reading += 1;
    const forwarded = await forwardedClient(connection, this.proxies, this.clock);
    this.reading -= 1;
    if (!forwarded) return;
    const client = forwarded.address ?? peerOf(connection);
    this.handoffs.offer({ key, client, handle: connection, head: forwarded.head.toString('base64') });
  }

  /** The worker that serves the client's slot; if there is none, the worker of the client's next slot. */
  private chosen({ key, client }: KnownConnection): Choice {
    const listeningWorkers = this.addresses.get(key)?.listeningWorkers;
    if (!listeningWorkers) return 'never';
    const bySlot = new Map<number, number>();
    for (const worker of this.state?.workers.values() ?? []) {
      if (listeningWorkers.has(worker.id) && takesConnections(worker)) bySlot.set(worker.slot, worker.id);
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
      const { listeningWorkers } = address;
      for (const id of listeningWorkers) if (!workers.has(id)) listeningWorkers.delete(id);
      if (isGivenUp(listeningWorkers, workers.values())) this.release(key, address);
    }
    this.handoffs.retry();
  }
}

function peerOf(connection: AcceptedHandle): string {
  const out: { address?: string } = {};
  connection.getpeername?.(out);
  // Clients of a Unix socket have no address: all of them count as one client.
  return clientAddress(out.address ?? '') ?? '';
}
