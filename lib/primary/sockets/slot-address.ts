import type { ListenAnswer, ListenRequest, SocketName } from '../../protocol/listening.js';
import { type AcceptedHandle, bind, type BoundSocket, REUSE_PORT } from './bind.js';
import { type SocketAssignment, assignSockets, type Acceptor } from './assign-sockets.js';

/**
 * The slot of a Unix path's only socket, which all workers share: the kernel cannot spread connections over several.
 */
const EVERY_SLOT = -1;

/** Sends a slot's socket to a worker, which accepts on it, or tells the worker to close it. */
export interface SocketSender {
  send(worker: number, key: string, slot: number, socket: BoundSocket): void;
  release(worker: number, key: string, slot: number): void;
}

/**
 * One address on which the workers' servers listen. It has a socket for each slot, which is kept until no worker
 * listens any more, and it knows which workers accept on which socket. The primary itself accepts only the last clients
 * of all.
 */
export class SlotAddress {
  /** Workers whose server listens, including those that are leaving or unresponsive. */
  readonly listeningWorkers = new Set<number>();
  private readonly sockets = new Map<number, BoundSocket>();
  private leases: SocketAssignment = new Map();
  /** The workers that have a copy of each slot's socket. */
  private readonly holders = new Map<number, Set<number>>();
  private name: SocketName = {};

  constructor(
    private readonly request: ListenRequest,
    private readonly socketSender: SocketSender,
  ) {}

  get key(): string {
    return this.request.key;
  }

  /** Whether a worker has a copy of any of the sockets. */
  get isHeld(): boolean {
    return [...this.holders.values()].some(({ size }) => size > 0);
  }

  /** Binds the slot's socket, if it is not bound yet. */
  bind(slot: number): ListenAnswer {
    const errno = this.isPath ? this.bindPath() : this.bindSlot(slot);
    return errno === 0 ? { name: this.name, shared: this.request.shared } : { errno };
  }

  /** Makes the workers in `acceptors` accept on the sockets that they should have now. */
  lease(acceptors: readonly Acceptor[]): void {
    const everybody = new Set(acceptors.map(({ id }) => id));
    const plan = this.isPath
      ? new Map([[EVERY_SLOT, everybody]])
      : assignSockets([...this.sockets.keys()], acceptors, this.leases);
    for (const [slot, socket] of this.sockets) {
      const wanted = plan.get(slot) ?? new Set();
      const given = this.leases.get(slot) ?? new Set();
      for (const id of wanted) if (!given.has(id)) this.open(id, slot, socket);
      // A worker that is gone or leaving closes its copies by itself.
      for (const id of given) if (!wanted.has(id) && everybody.has(id)) this.socketSender.release(id, this.key, slot);
    }
    this.leases = plan;
  }

  /** The worker's server does not listen any more, so the worker has no copy of a socket. */
  left(worker: number): void {
    this.listeningWorkers.delete(worker);
    for (const holders of this.holders.values()) holders.delete(worker);
  }

  /** The worker has closed its copy of the slot's socket. */
  released(worker: number, slot: number): void {
    this.holders.get(slot)?.delete(worker);
  }

  /** From now on, the primary accepts the connections; the workers are told to close their copies. */
  takeOver(accept: (connection: AcceptedHandle) => void): void {
    for (const [slot, socket] of this.sockets) {
      socket.onconnection = (errno, connection) => {
        if (errno === 0 && connection) accept(connection);
      };
      socket.listen(this.request.backlog);
      for (const id of this.holders.get(slot) ?? []) this.socketSender.release(id, this.key, slot);
    }
  }

  /** Closes the sockets in this process; each stays open while a worker has a copy of it. */
  close(): void {
    for (const socket of this.sockets.values()) socket.close();
    this.sockets.clear();
    this.leases = new Map();
  }

  private open(worker: number, slot: number, socket: BoundSocket): void {
    const holders = this.holders.get(slot) ?? new Set();
    this.holders.set(slot, holders.add(worker));
    this.socketSender.send(worker, this.key, slot, socket);
  }

  private get isPath(): boolean {
    return this.request.family === -1;
  }

  private bindPath(): number {
    if (this.sockets.size > 0) return 0;
    const bound = bind(this.request);
    if (typeof bound === 'number') return bound;
    this.sockets.set(EVERY_SLOT, bound.socket);
    return 0;
  }

  private bindSlot(slot: number): number {
    if (this.sockets.has(slot)) return 0;
    if (this.sockets.size === 0) {
      const errno = this.probe();
      if (errno !== 0) return errno;
    }
    const bound = bind({ ...this.request, port: this.name.port ?? this.request.port }, REUSE_PORT);
    if (typeof bound === 'number') return bound;
    this.name = bound.name;
    this.sockets.set(slot, bound.socket);
    return 0;
  }

  /** Checks whether another process listens there: binding a socket with REUSE_PORT might not report it. */
  private probe(): number {
    const bound = bind(this.request);
    if (typeof bound === 'number') return bound;
    bound.socket.close();
    return 0;
  }
}
