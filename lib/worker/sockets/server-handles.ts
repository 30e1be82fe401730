import cluster from 'node:cluster';
import type { Server, Socket } from 'node:net';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { BACKLOG_TIMEOUT, idleTurn, type Clock } from '../../platform/clock.js';
import { createServerHandle } from '../../platform/server-handle.js';
import type { ListenAnswer, ListenRequest, OwnSockets } from '../../protocol/listening.js';
import type { ListeningAddress } from '../../protocol/messages.js';
import { type ClientHandle, FauxHandle, type SocketHandle } from './faux-handle.js';

/**
 * What `net.Server.listen` asks node:cluster in a worker (lib/net.js, lib/internal/cluster/child.js; seen the
 * same in Node 20, 24 and 26).
 */
interface ServerQuery {
  readonly address: string | null | undefined;
  readonly port: number;
  readonly addressType: 4 | 6 | -1 | 'udp4' | 'udp6';
  readonly fd?: number | undefined;
  readonly flags?: number;
  readonly backlog?: number;
  readonly readableAll?: boolean;
  readonly writableAll?: boolean;
}

/** A query for a TCP address or a path. */
type SocketQuery = ServerQuery & { readonly addressType: 4 | 6 | -1 };

/** A handle in an answer of node:cluster. */
interface NodeHandle {
  close(...args: unknown[]): void;
  getsockname?(out: object): number;
}

/** A server as node:cluster sees it: TLS servers have data that all workers share. */
interface QueryingServer extends Server {
  /** Whether `unref()` was called before it listens. */
  readonly _unref?: boolean;
  _getServerData?(): unknown;
  _setServerData?(data: unknown): void;
}

type NodeAnswer = (errno: number, handle: NodeHandle | null | undefined) => void;

/** A server that should listen, and the callbacks for the result. */
interface ListenCall {
  readonly server: QueryingServer;
  readonly query: SocketQuery;
  readonly answer: (handle: object) => void;
  readonly refuse: (errno: number) => void;
}

type GetServer = (server: QueryingServer, query: ServerQuery, answer: NodeAnswer) => void;

/** libuv's flags of uv_pipe_chmod. */
const UV_READABLE = 1;
const UV_WRITABLE = 2;

/** Node's own default. */
const DEFAULT_BACKLOG = 511;

/** The messages about sockets that this worker sends to its primary. */
export interface ListenerLine {
  ask(address: ListenRequest): Promise<ListenAnswer>;
  listening(address: ListeningAddress): void;
  unlisten(key: string): void;
  release(key: string, slot: number): void;
  ack(seq: number, accepted: boolean): void;
}

/**
 * The servers of this worker that listen on sockets of the primary. It replaces the function by which node:net asks
 * node:cluster for a server's handle. Servers that it does not handle (UDP, inherited descriptors) are left to
 * node:cluster.
 */
export class ServerHandles {
  private readonly open = new Map<string, { readonly server: Server; readonly handle: FauxHandle }>();
  /** Addresses on which servers of this worker listen through node:cluster. */
  private readonly nodes = new Set<string>();
  /**
   * Requests that have no result yet, by address: each resolves when the server has its answer; it may be closed by
   * then.
   */
  private readonly asked = new Map<string, Promise<void>>();

  constructor(private readonly line: ListenerLine) {}

  /**
   * Answers in place of node:cluster from now on. Returns false if this Node does not have the function for that.
   *
   * @param own which servers listen on sockets of the primary
   */
  install(own: OwnSockets): boolean {
    const hooks = cluster as unknown as { _getServer?: GetServer };
    const original = hooks._getServer;
    if (typeof original !== 'function') return false;
    hooks._getServer = (server, query, answer) => {
      const { addressType } = query;
      if (typeof addressType === 'string' || (query.fd ?? -1) >= 0)
        return original.call(cluster, server, query, answer);
      const call: ListenCall = {
        server,
        query: { ...query, addressType },
        answer: (handle) => answer(0, handle as NodeHandle),
        refuse: refusal(server, query, hooks._getServer!),
      };
      void this.listen(call, own, (nodesAnswer) => original.call(cluster, server, query, nodesAnswer));
    };
    return true;
  }

  /** Makes the server of `key` accept on a socket of the primary. */
  addSocket(key: string, slot: number, socket: SocketHandle): void {
    const listener = this.open.get(key);
    if (listener) listener.handle.addSocket(slot, socket);
    // The server was closed meanwhile.
    else socket.close();
  }

  removeSocket(key: string, slot: number): void {
    this.open.get(key)?.handle.removeSocket(slot);
    this.line.release(key, slot);
  }

  /**
   * The primary has accepted a connection for the server of `key`. `head`: the bytes that were already read from it.
   */
  connected(key: string, seq: number, client: ClientHandle, head: Buffer | undefined): void {
    const listener = this.open.get(key);
    // The connection is taken in this call or not at all, so the server's next 'connection' event is for it.
    const giveHead = (socket: Socket): void => {
      if (head) socket.unshift(head);
    };
    listener?.server.prependListener('connection', giveHead);
    const accepted = listener?.handle.take(client) ?? false;
    listener?.server.off('connection', giveHead);
    if (!accepted) client.close();
    this.line.ack(seq, accepted);
  }

  /**
   * Resolves when the clients that are in the kernel's queues are accepted: a close by the last process that holds a
   * socket would reset them. libuv accepts one connection of a socket in each turn of the event loop, so a turn without
   * a connection means that the queues are empty.
   */
  async drainBacklog(clock: Clock): Promise<void> {
    const accepted = (): number => {
      let total = 0;
      for (const { handle } of this.open.values()) total += handle.accepted;
      return total;
    };
    await idleTurn(accepted, clock, BACKLOG_TIMEOUT);
  }

  private async listen(call: ListenCall, own: OwnSockets, askNode: (answer: NodeAnswer) => void): Promise<void> {
    const { port, addressType: family, address } = call.query;
    // The code that called listen() may still show what the server is for, before it returns.
    if (port === 0) await new Promise((resolve) => process.nextTick(resolve));
    if (port === 0 && isSearch(call.server)) return this.listenAlone(call);
    const isAbstract = address?.startsWith('\0') ?? false;
    const isOwn = own === 'all' || (family === -1 && (own === 'paths' || isAbstract));
    const key = `${address ?? ''}:${port}:${family}`;
    // A server that was closed before it listened releases the address only when it has got it.
    while (port !== 0 && this.asked.has(key)) await this.asked.get(key);
    const asked = isOwn ? this.listenOnSockets(call) : this.listenByNode(key, call, askNode);
    this.asked.set(key, asked);
    await asked;
    if (this.asked.get(key) === asked) this.asked.delete(key);
  }

  /** Listens on a socket of this process alone, as with `exclusive: true`. */
  private listenAlone({ query, answer, refuse }: ListenCall): void {
    const { address, port, addressType, flags = 0 } = query;
    const handle = createServerHandle({ host: address ?? null, port, family: addressType }, flags);
    if (typeof handle === 'number') refuse(handle);
    else answer(handle);
  }

  /**
   * Listens through node:cluster, but with Node's usual errors. A second server of one worker on the same address is
   * refused, because on a shared socket it would end the worker.
   */
  private listenByNode(
    key: string,
    { query, answer, refuse }: ListenCall,
    askNode: (answer: NodeAnswer) => void,
  ): Promise<void> {
    const { port } = query;
    if (port !== 0 && this.nodes.has(key)) {
      refuse(-constants.errno.EADDRINUSE);
      return Promise.resolve();
    }
    this.nodes.add(key);
    return new Promise((resolve) => {
      // The server must get the handle within this call: the next message may already be its first connection.
      askNode((errno, handle) => {
        resolve();
        const bound = errno === 0 && handle ? boundErrno(handle, port) : errno;
        if (bound !== 0 || !handle) {
          this.nodes.delete(key);
          handle?.close();
          return refuse(bound);
        }
        const { close } = handle;
        handle.close = (...args) => {
          this.nodes.delete(key);
          close.apply(handle, args);
        };
        answer(handle);
      });
    });
  }

  private async listenOnSockets({ server, query, answer, refuse }: ListenCall): Promise<void> {
    const { port, addressType: family, flags = 0, backlog, address, readableAll, writableAll } = query;
    const isPath = family === -1 && typeof address === 'string' && !address.startsWith('\0');
    const host = isPath ? resolve(address) : (address ?? null);
    const mode = (readableAll ? UV_READABLE : 0) | (writableAll ? UV_WRITABLE : 0);
    const key = port === 0 ? this.freeKey(`${host ?? ''}:0:${family}`) : `${host ?? ''}:${port}:${family}`;
    if (this.open.has(key)) return refuse(-constants.errno.EADDRINUSE);
    const handle = new FauxHandle(() => {
      this.open.delete(key);
      this.line.unlisten(key);
    });
    this.open.set(key, { server, handle });
    const shared = server._getServerData?.();
    const bound = await this.line
      .ask({ key, host, port, family, flags, mode, backlog: backlog || DEFAULT_BACKLOG, shared })
      // The primary is gone, and this worker is about to leave.
      .catch(() => undefined);
    if (!bound) return;
    if ('errno' in bound) {
      this.open.delete(key);
      return refuse(bound.errno);
    }
    server._setServerData?.(bound.shared);
    handle.bound(bound.name);
    server.once('listening', () => {
      const { address: boundAddress, port: boundPort } = bound.name;
      this.line.listening({ address: boundAddress ?? host ?? undefined, port: boundPort, addressType: family });
    });
    answer(handle);
  }

  /** The n-th server that listens on any free port has the same key in every worker. */
  private freeKey(address: string): string {
    for (let index = 0; ; index += 1) {
      const key = `${address}:${index}`;
      if (!this.open.has(key)) return key;
    }
  }
}

/**
 * Whether the server only looks for a free port and will serve no client: it does not keep its process alive, or has no
 * listener for connections. Each worker gets a different port then, and may give it to a child process.
 */
function isSearch(server: QueryingServer): boolean {
  return server._unref === true || server.listenerCount('connection') === 0;
}

/** The same check as in node:net: libuv reports an address that is in use only when the socket is used. */
function boundErrno(handle: NodeHandle, port: number): number {
  if (port <= 0 || !handle.getsockname) return 0;
  const name: { port?: number } = {};
  const errno = handle.getsockname(name);
  return errno === 0 && name.port !== port ? -constants.errno.EADDRINUSE : errno;
}

/** Emits the error that `net.Server.listen` reports in a single process, with the caller in its stack. */
function refusal(server: Server, { address, port }: ServerQuery, entry: object): ListenCall['refuse'] {
  const trace: { stack?: string } = {};
  Error.captureStackTrace(trace, entry as () => void);
  return (errno) => {
    const [code, reason] = getSystemErrorMap().get(errno) ?? [`E${errno}`, 'unknown error'];
    // Node tries '::' first. Of its errors, only that the address is in use appears late, at listen().
    const host = address ?? (errno === -constants.errno.EADDRINUSE ? '::' : '0.0.0.0');
    const where = port > 0 ? `${host}:${port}` : host;
    const error = new Error(`listen ${code}: ${reason} ${where}`);
    error.stack = `Error: ${error.message}\n${trace.stack?.slice(trace.stack.indexOf('\n') + 1)}`;
    Object.assign(error, { code, errno, syscall: 'listen', address: host, ...(port === 0 ? {} : { port }) });
    process.nextTick(() => server.emit('error', error));
  };
}
