import net from 'node:net';

/** By what node:net and node:cluster bind; the same in Node 20 to 26. The answer is libuv's error number where they cannot. */
type CreateServerHandle = (
  host: string | null,
  port: number,
  family: number,
  fd: number,
  flags: number,
) => object | number;

/** Binds an address, which family -1 calls a path; libuv's error number where that is impossible. */
export function createServerHandle<Handle extends object>(
  { host, port, family }: { readonly host: string | null; readonly port: number; readonly family: number },
  flags: number,
): Handle | number {
  const create = (net as unknown as { _createServerHandle: CreateServerHandle })._createServerHandle;
  return create(host, port, family, -1, flags) as Handle | number;
}
