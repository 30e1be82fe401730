import { Socket } from 'node:net';
import type { Clock } from '../../platform/clock.js';
import type { AcceptedHandle } from './bind.js';
import { clientAddress } from './client-address.js';

/** Node's own limit for the header of a request (`--max-http-header-size`), in bytes. */
const MAX_HEAD = 16_384;

/**
 * How long the primary waits for the header of a connection's first request, in ms; after that, the peer's address
 * counts.
 */
export const FORWARDED_TIMEOUT = 1_000;

/** First byte of a TLS handshake (RFC 8446, 5.1): the requests that follow are encrypted and cannot be read here. */
const TLS_HANDSHAKE = 0x16;

const END_OF_HEAD = '\r\n\r\n';

export interface ForwardedClient {
  /** Undefined if the header is missing, has fewer entries than there are proxies, or contains no address. */
  readonly address: string | undefined;
  /** The bytes that were read, which must be passed on with the connection. */
  readonly head: Buffer;
}

/**
 * Reads a connection up to the end of its first request's header, and looks for the address of the client that the
 * `proxies`-th proxy from here has seen. Undefined if the client has left meanwhile.
 */
export function forwardedClient(
  handle: AcceptedHandle,
  proxies: number,
  clock: Clock,
): Promise<ForwardedClient | undefined> {
  // A client may close its side after its request and still read the answer.
  const options = { handle, readable: true, writable: true, allowHalfOpen: true };
  const socket = new Socket(options);
  return new Promise((resolve) => {
    let head = Buffer.alloc(0);
    const timer = clock.after(FORWARDED_TIMEOUT, () => settle(), false);
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      if (head[0] === TLS_HANDSHAKE || head.length >= MAX_HEAD || head.includes(END_OF_HEAD)) settle();
    };
    const onEnd = (): void => (head.length > 0 ? settle() : onError());
    const onError = (): void => {
      timer.cancel();
      socket.destroy();
      resolve(undefined);
    };
    const settle = (): void => {
      timer.cancel();
      socket.off('data', onData).off('end', onEnd).off('error', onError);
      socket.pause();
      handle.readStop?.();
      resolve({ address: clientOf(head.toString('latin1'), proxies), head });
    };
    socket.on('data', onData).on('end', onEnd).on('error', onError);
  });
}

/**
 * The entry of X-Forwarded-For that the outermost trusted proxy wrote: each proxy appends the address that it has seen.
 */
function clientOf(head: string, proxies: number): string | undefined {
  const [header] = head.split(END_OF_HEAD);
  const entries = [...header!.matchAll(/^x-forwarded-for:(.*)$/gim)].flatMap(([, value]) => value!.split(','));
  return clientAddress(entries.at(-proxies) ?? '');
}
