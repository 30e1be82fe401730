import net from 'node:net';

/**
 * The function by which node:net and node:cluster bind; the same in Node 20 to 26. Returns libuv's error number on
 * failure.
 */
type CreateServerHandle = (
  host: string | null,
  port: number,
  family: number,
  fd: number,
  flags: number,
) => object | number;

/** Binds an address, or a path if `family` is -1; returns libuv's error number if that is impossible. */
export function createServerHandle<Handle extends object>(
  { host, port, family }: { readonly host: string | null; readonly port: number; readonly family: number },
  flags: number,
): Handle | number {
  const create = (net as unknown as { _createServerHandle: CreateServerHandle })._createServerHandle;
  return create(host, port, family, -1, flags) as Handle | number;
}
