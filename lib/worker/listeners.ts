import cluster from 'node:cluster';
import type { Server, Socket } from 'node:net';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { ADMISSION_TIMEOUT, quietTurn, type Clock } from '../platform/clock.js';
import type { ListenAnswer, ListenRequest } from '../protocol/listening.js';
import type { ListeningAddress } from '../protocol/messages.js';
import { type ClientHandle, Entrance, type SocketHandle } from './entrance.js';

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
}

/** A server as node:cluster sees it: TLS servers have data that all workers share. */
interface QueryingServer extends Server {
  _getServerData?(): unknown;
  _setServerData?(data: unknown): void;
}

type GetServer = (server: QueryingServer, query: ServerQuery, answer: (errno: number, handle: unknown) => void) => void;

/** Node's own default. */
const DEFAULT_BACKLOG = 511;

/** How this worker speaks with its primary about sockets. */
export interface ListenerLine {
  ask(address: ListenRequest): Promise<ListenAnswer>;
  listening(address: ListeningAddress): void;
  unlisten(key: string): void;
  shut(key: string, slot: number): void;
  taken(seq: number, accepted: boolean): void;
}

/**
 * The servers of this worker that listen on sockets of the primary. Stands where node:cluster's own worker
 * side is asked for a server's handle; what it does not know (UDP, inherited descriptors) stays node:cluster's.
 */
export class Listeners {
  private readonly open = new Map<string, { readonly server: Server; readonly entrance: Entrance }>();

  constructor(private readonly line: ListenerLine) {}

  /** Answers for node:cluster from now on. False where this Node has no such place. */
  install(): boolean {
    const hooks = cluster as unknown as { _getServer?: GetServer };
    const original = hooks._getServer;
    if (typeof original !== 'function') return false;
    hooks._getServer = (server, query, answer) => {
      const { addressType } = query;
      if (typeof addressType === 'string' || (query.fd ?? -1) >= 0)
        return original.call(cluster, server, query, answer);
      void this.listen(server, { ...query, addressType }, (handle) => answer(0, handle));
    };
    return true;
  }

  /** A socket of the primary's on which the server of `key` is to accept. */
  addDoor(key: string, slot: number, door: SocketHandle): void {
    const listener = this.open.get(key);
    if (listener) listener.entrance.addDoor(slot, door);
    // Its server was closed meanwhile.
    else door.close();
  }

  removeDoor(key: string, slot: number): void {
    this.open.get(key)?.entrance.removeDoor(slot);
    this.line.shut(key, slot);
  }

  /** A connection that the primary accepted for the server of `key`, and what was read from it already. */
  connected(key: string, seq: number, client: ClientHandle, head: Buffer | undefined): void {
    const listener = this.open.get(key);
    // It is taken in this very turn, or not at all: the server's next connection is this one.
    const giveHead = (socket: Socket): void => {
      if (head) socket.unshift(head);
    };
    listener?.server.prependListener('connection', giveHead);
    const accepted = listener?.entrance.take(client) ?? false;
    listener?.server.off('connection', giveHead);
    if (!accepted) client.close();
    this.line.taken(seq, accepted);
  }

  /**
   * Resolves when the clients that are in the kernel's queues are let in: a close by the last process that
   * holds a socket would reset them. libuv accepts one connection of a socket in each turn of the loop, so a
   * turn without one means that the queues are empty.
   */
  async lastCall(clock: Clock): Promise<void> {
    const accepted = (): number => {
      let total = 0;
      for (const { entrance } of this.open.values()) total += entrance.accepted;
      return total;
    };
    await quietTurn(accepted, clock, ADMISSION_TIMEOUT);
  }

  private async listen(
    server: QueryingServer,
    query: ServerQuery & { readonly addressType: 4 | 6 | -1 },
    answer: (handle: Entrance) => void,
  ): Promise<void> {
    const { port, addressType: family, flags = 0, backlog } = query;
    const { address } = query;
    const host = family === -1 && typeof address === 'string' ? resolve(address) : (address ?? null);
    const refuse = (errno: number): void => {
      const error = listenError(errno, host ?? '::', port);
      process.nextTick(() => server.emit('error', error));
    };
    const key = port === 0 ? this.freeKey(`${host ?? ''}:0:${family}`) : `${host ?? ''}:${port}:${family}`;
    if (this.open.has(key)) return refuse(-constants.errno.EADDRINUSE);
    const entrance = new Entrance(() => {
      this.open.delete(key);
      this.line.unlisten(key);
    });
    this.open.set(key, { server, entrance });
    const shared = server._getServerData?.();
    const bound = await this.line
      .ask({ key, host, port, family, flags, backlog: backlog || DEFAULT_BACKLOG, shared })
      // The primary is gone, and this worker is about to leave.
      .catch(() => undefined);
    if (!bound) return;
    if ('errno' in bound) {
      this.open.delete(key);
      return refuse(bound.errno);
    }
    server._setServerData?.(bound.shared);
    entrance.bound(bound.name);
    server.once('listening', () => {
      const { address, port: boundPort } = bound.name;
      this.line.listening({ address: address ?? host ?? undefined, port: boundPort, addressType: family });
    });
    answer(entrance);
  }

  /** The n-th server that listens on any free port has the same key in every worker. */
  private freeKey(address: string): string {
    for (let index = 0; ; index += 1) {
      const key = `${address}:${index}`;
      if (!this.open.has(key)) return key;
    }
  }
}

/** The error that `net.Server.listen` reports in a single process. */
function listenError(errno: number, address: string, port: number): Error {
  const [code, reason] = getSystemErrorMap().get(errno) ?? [`E${errno}`, 'unknown error'];
  const where = port > 0 ? `${address}:${port}` : address;
  const error = new Error(`listen ${code}: ${reason} ${where}`);
  return Object.assign(error, { code, errno, syscall: 'listen', address, ...(port > 0 ? { port } : {}) });
}
