import type { SocketName } from '../../protocol/listening.js';

/** libuv's error number; 0 is success. */
type Errno = number;

/** A socket of the kernel as node:net drives it (TCP or Pipe of Node's bindings). */
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
 * What a server holds instead of a socket of its own: connections come in by any number of sockets, which are
 * sockets that the primary owns, or one by one from the primary. node:cluster gives its round-robin servers
 * such a stand-in, too, so node:net knows how to live with one.
 */
export class FauxHandle {
  /** Set by node:net; a connection is given to it as if it came from a socket of the server's own. */
  onconnection: (error: Errno, client: ClientHandle | undefined) => void = () => {};
  /** Only where it has one: a server of a Unix socket tells its path itself. */
  getsockname: ((out: object) => Errno) | undefined;
  /** Connections that came in so far. */
  accepted = 0;
  /** Before the server listens and after it was closed nobody is let in. */
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

  /** Accepts on the slot's socket no longer. The socket lives on in the primary, and in other workers. */
  removeSocket(slot: number): void {
    this.sockets.get(slot)?.close();
    this.sockets.delete(slot);
  }

  /** Takes a connection that the primary accepted; false where the server does not listen. */
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
