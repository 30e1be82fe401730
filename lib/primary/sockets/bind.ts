import { relative } from 'node:path';
import { createServerHandle } from '../../platform/server-handle.js';
import type { ListenRequest, SocketName } from '../../protocol/listening.js';

/** libuv's UV_TCP_REUSEPORT: sockets with it may be bound to one address, and the kernel spreads the connections. */
export const REUSE_PORT = 2;

/** Every interface, where IPv6 is and where it is not; as `net.Server.listen` does without a host. */
const ANY_ADDRESS = [
  { host: '::', family: 6 },
  { host: '0.0.0.0', family: 4 },
] as const;

/** A connection that was accepted here and is not read from. */
export interface AcceptedHandle {
  close(): void;
  readStop?(): number;
  getpeername?(out: { address?: string }): number;
}

/** A bound socket of the kernel (TCP or Pipe of Node's bindings). */
export interface BoundSocket {
  onconnection: (error: number, client: AcceptedHandle | undefined) => void;
  listen(backlog: number): number;
  close(): void;
  /** Only pipes. */
  fchmod?(mode: number): number;
  /** Pipes have none. */
  getsockname?(out: SocketName): number;
}

/** Binds the address; libuv's error number where that is impossible. */
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

/** The kernel takes some hundred bytes. The first byte of an abstract socket's name is 0, and it is no path. */
function shortest(path: string): string {
  if (path.startsWith('\0')) return path;
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}

/** libuv keeps the error of an address in use until the socket is used. */
function named(socket: BoundSocket): { socket: BoundSocket; name: SocketName } | number {
  const name: SocketName = {};
  const errno = socket.getsockname?.(name) ?? 0;
  if (errno === 0) return { socket, name };
  socket.close();
  return errno;
}

/** Whether two sockets can listen on one port: found out by trying, for a kernel or Node may say so and not do it. */
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
    // This Node has no such function, or another one of that name.
    return false;
  } finally {
    for (const socket of sockets) socket.close();
  }
}
