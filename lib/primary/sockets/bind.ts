import { relative } from 'node:path';
import { createServerHandle } from '../../platform/server-handle.js';
import type { ListenRequest, SocketName } from '../../protocol/listening.js';

/**
 * libuv's UV_TCP_REUSEPORT: several sockets with this flag may be bound to one address, and the kernel spreads the
 * connections over them.
 */
export const REUSE_PORT = 2;

/**
 * The addresses for all interfaces, with and without IPv6, in the order in which `net.Server.listen` tries them if no
 * host is given.
 */
const ANY_ADDRESS = [
  { host: '::', family: 6 },
  { host: '0.0.0.0', family: 4 },
] as const;

/** The handle of an accepted connection that a worker will serve. */
export interface AcceptedHandle {
  close(): void;
  readStop?(): number;
  getpeername?(out: { address?: string }): number;
}

/** A bound socket (TCP or Pipe of Node's bindings). */
export interface BoundSocket {
  onconnection: (error: number, client: AcceptedHandle | undefined) => void;
  listen(backlog: number): number;
  close(): void;
  /** Only pipes have it. */
  fchmod?(mode: number): number;
  /** Pipes do not have it. */
  getsockname?(out: SocketName): number;
}

/** Binds the address; returns libuv's error number if that fails. */
export function bind(
  { host, port, family, flags, mode = 0 }: Pick<ListenRequest, 'host' | 'port' | 'family' | 'flags' | 'mode'>,
  moreFlags = 0,
): { readonly socket: BoundSocket; readonly name: SocketName } | number {
  let errno = 0;
  if (family === -1) return bindPath(createServerHandle({ host: shortest(host ?? ''), port, family }, flags), mode);
  for (const target of host === null ? ANY_ADDRESS : [{ host, family }]) {
    const socket = createServerHandle<BoundSocket>({ ...target, port }, flags | moreFlags);
    if (typeof socket !== 'number') return named(socket);
    errno = socket;
  }
  return errno;
}

function bindPath(socket: BoundSocket | number, mode: number): { socket: BoundSocket; name: SocketName } | number {
  if (typeof socket === 'number') return socket;
  const errno = mode === 0 ? 0 : (socket.fchmod?.(mode) ?? 0);
  if (errno === 0) return { socket, name: {} };
  socket.close();
  return errno;
}

/**
 * The shorter one of the absolute and the relative path, because the kernel accepts only about a hundred bytes. The
 * name of an abstract socket begins with a 0 byte and is not a path.
 */
function shortest(path: string): string {
  if (path.startsWith('\0')) return path;
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}

/**
 * Looks up the socket's name. libuv reports an address that is in use only when the socket is used, so the error
 * appears here.
 */
function named(socket: BoundSocket): { socket: BoundSocket; name: SocketName } | number {
  const name: SocketName = {};
  const errno = socket.getsockname?.(name) ?? 0;
  if (errno === 0) return { socket, name };
  socket.close();
  return errno;
}

/**
 * Whether two sockets can listen on one port. This is tried out, because a kernel or Node may accept the flag and not
 * support it.
 */
export function canReusePort(): boolean {
  const sockets: BoundSocket[] = [];
  try {
    for (let port = 0, tries = 0; tries < 2; tries += 1) {
      const bound = bind({ host: '127.0.0.1', port, family: 4, flags: 0 }, REUSE_PORT);
      if (typeof bound === 'number') return false;
      sockets.push(bound.socket);
      if (bound.socket.listen(1) !== 0) return false;
      port = bound.name.port!;
    }
    return true;
  } catch {
    // This Node does not have the function, or has a different one of that name.
    return false;
  } finally {
    for (const socket of sockets) socket.close();
  }
}
