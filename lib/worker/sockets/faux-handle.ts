import type { SocketName } from '../../protocol/listening.js';

/** libuv's error number; 0 is success. */
type Errno = number;

/** A socket as node:net uses it (TCP or Pipe of Node's bindings). */
export interface SocketHandle {
  onconnection: (error: Errno, client: ClientHandle | undefined) => void;
  listen(backlog: number): Errno;
  close(): void;
  ref(): void;
  unref(): void;
}

/** An accepted connection as node:net takes it. */
export interface ClientHandle {
  close(): void;
}

/**
 * The handle of a server that has no socket of its own: its connections come from any number of sockets of the primary,
 * or one by one from the primary itself. node:cluster gives its round-robin servers such a handle, too, so node:net can
 * work with it.
 */
export class FauxHandle {
  /** Set by node:net; called with each connection, as if it came from the server's own socket. */
  onconnection: (error: Errno, client: ClientHandle | undefined) => void = () => {};
  /** Undefined for a Unix socket: its server knows its path itself. */
  getsockname: ((out: object) => Errno) | undefined;
  /** Connections that came in so far. */
  accepted = 0;
  /** No connection is accepted before the server listens or after it was closed. */
  private state: 'prepared' | 'open' | 'closed' = 'prepared';
  private readonly sockets = new Map<number, SocketHandle>();
  private backlog = 0;
  private referenced = true;

  /** @param onClosed called when the server has closed it */
  constructor(private readonly onClosed: () => void) {}

  // ---- what node:net calls ------------------------------------------------------------------------

  listen(backlog: number): Errno {
    this.backlog = backlog;
    this.state = 'open';
    for (const socket of this.sockets.values()) {
      const errno = this.open(socket);
      if (errno !== 0) return errno;
    }
    return 0;
  }

  close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    for (const socket of this.sockets.values()) socket.close();
    this.sockets.clear();
    this.onClosed();
  }

  ref(): void {
    this.referenced = true;
    for (const socket of this.sockets.values()) socket.ref();
  }

  unref(): void {
    this.referenced = false;
    for (const socket of this.sockets.values()) socket.unref();
  }

  // ---- what the primary says ------------------------------------------------------------------------

  /** The primary has bound the address. */
  bound(name: SocketName): void {
    if (name.port === undefined) return;
    this.getsockname = (out) => {
      Object.assign(out, name);
      return 0;
    };
  }

  /** Accepts on the slot's socket, too. */
  addSocket(slot: number, socket: SocketHandle): void {
    if (this.state === 'closed') return socket.close();
    this.removeSocket(slot);
    this.sockets.set(slot, socket);
    socket.onconnection = (error, client) => this.accept(error, client);
    if (this.state === 'open') this.open(socket);
  }

  /** Stops accepting on the slot's socket. The socket stays open in the primary, and in other workers. */
  removeSocket(slot: number): void {
    this.sockets.get(slot)?.close();
    this.sockets.delete(slot);
  }

  /** Takes a connection that the primary accepted; returns false if the server does not listen. */
  take(client: ClientHandle): boolean {
    if (this.state !== 'open') return false;
    this.accept(0, client);
    return true;
  }

  private open(socket: SocketHandle): Errno {
    if (!this.referenced) socket.unref();
    return socket.listen(this.backlog);
  }

  private accept(error: Errno, client: ClientHandle | undefined): void {
    this.accepted += 1;
    this.onconnection(error, client);
  }
}
