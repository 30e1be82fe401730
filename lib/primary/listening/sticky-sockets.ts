import { elapsed, quietTurn, ADMISSION_TIMEOUT, type Clock } from '../../platform/clock.js';
import type { ListenAnswer, ListenRequest } from '../../protocol/listening.js';
import { isServing } from '../floor.js';
import type { SupervisorState } from '../supervisor.types.js';
import { type AcceptedHandle, bind, type BoundSocket } from './bind.js';
import type { Doorkeeper } from './doorkeeper.js';
import { forwardedClient } from './forwarded-client.js';
import { rendezvousOrder } from './rendezvous.js';
import { isGivenUp } from './standing.js';

/** How often it is looked whether every connection was taken when the cluster stops, and for how long, in ms. */
const TAKEN_POLL = 5;
const TAKEN_TIMEOUT = 500;

/** Hands a worker a connection. */
export type HandOver = (
  worker: number,
  message: { readonly key: string; readonly seq: number; readonly head?: string },
  connection: AcceptedHandle,
) => void;

/** A connection in the primary's hand. */
interface Visitor {
  readonly key: string;
  readonly client: string;
  readonly connection: AcceptedHandle;
  readonly head?: string;
}

interface StickyAddress {
  readonly socket: BoundSocket;
  readonly answer: ListenAnswer;
  /** Workers whose server listens. */
  readonly guests: Set<number>;
}

/**
 * `listen: 'sticky'`. The primary accepts and gives each connection to the slot that its client belongs to.
 * It keeps it until the worker says that it has it: one of a worker that dies or leaves goes to another. While
 * no worker serves, connections wait.
 */
export class StickySockets implements Doorkeeper {
  private readonly addresses = new Map<string, StickyAddress>();
  private readonly handed = new Map<number, { readonly visitor: Visitor; readonly worker: number }>();
  private waiting: Visitor[] = [];
  private state: Readonly<SupervisorState> | undefined;
  private seq = 0;
  private accepted = 0;
  /** Connections whose first request is being read. */
  private reading = 0;

  /** @param proxies how many proxies are in front; 0: a connection's peer is the client */
  constructor(
    private readonly handOver: HandOver,
    private readonly proxies: number,
    private readonly clock: Clock,
  ) {}

  listen(worker: number, _slot: number, request: ListenRequest): ListenAnswer {
    const address = this.addresses.get(request.key) ?? this.open(request);
    if (typeof address === 'number') return { errno: address };
    address.guests.add(worker);
    this.settle();
    return address.answer;
  }

  unlisten(worker: number, key: string): void {
    this.addresses.get(key)?.guests.delete(worker);
    this.settle();
  }

  taken(_worker: number, seq: number, accepted: boolean): void {
    const hand = this.handed.get(seq);
    this.handed.delete(seq);
    if (!hand) return;
    if (accepted) hand.visitor.connection.close();
    else this.assign(hand.visitor);
  }

  gone(worker: number): void {
    for (const [seq, hand] of this.handed) {
      if (hand.worker !== worker) continue;
      this.handed.delete(seq);
      this.assign(hand.visitor);
    }
  }

  update(state: Readonly<SupervisorState>): void {
    this.state = state;
    this.settle();
  }

  async close(): Promise<void> {
    await quietTurn(() => this.accepted, this.clock, ADMISSION_TIMEOUT);
    for (const { socket } of this.addresses.values()) socket.close();
    const until = this.clock.now() + TAKEN_TIMEOUT;
    while (this.handed.size + this.reading > 0 && this.clock.now() < until) await elapsed(this.clock, TAKEN_POLL);
    for (const { connection } of this.waiting.splice(0)) connection.close();
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
    if (this.proxies === 0) return this.assign({ key, client: peerOf(connection), connection });
    this.reading += 1;
    const forwarded = await forwardedClient(connection, this.proxies, this.clock);
    this.reading -= 1;
    if (!forwarded) return;
    const client = forwarded.address ?? peerOf(connection);
    this.assign({ key, client, connection, head: forwarded.head.toString('base64') });
  }

  private assign(visitor: Visitor): void {
    const worker = this.chosen(visitor);
    if (worker === undefined) return void this.waiting.push(visitor);
    const { key, head, connection } = visitor;
    const seq = (this.seq += 1);
    this.handed.set(seq, { visitor, worker });
    this.handOver(worker, head === undefined ? { key, seq } : { key, seq, head }, connection);
  }

  /** The worker that serves the client's slot; where none does, that of its next slot. */
  private chosen({ key, client }: Visitor): number | undefined {
    const guests = this.addresses.get(key)?.guests;
    const bySlot = new Map<number, number>();
    for (const worker of this.state?.workers.values() ?? []) {
      if (guests?.has(worker.id) && isServing(worker)) bySlot.set(worker.slot, worker.id);
    }
    const [slot] = rendezvousOrder(client, [...bySlot.keys()]);
    return slot === undefined ? undefined : bySlot.get(slot);
  }

  private settle(): void {
    const workers = this.state?.workers;
    if (!workers) return;
    for (const [key, { guests, socket }] of this.addresses) {
      for (const id of guests) if (!workers.has(id)) guests.delete(id);
      if (!isGivenUp(guests, workers.values())) continue;
      socket.close();
      this.addresses.delete(key);
    }
    for (const visitor of this.waiting.splice(0)) this.assign(visitor);
  }
}

function peerOf(connection: AcceptedHandle): string {
  const out: { address?: string } = {};
  connection.getpeername?.(out);
  // A client of a Unix socket has no address: all of them are one.
  return out.address ?? '';
}
