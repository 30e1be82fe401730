import { isIP } from 'node:net';

/** `203.0.113.7:51001`: some proxies write the client's port as well (Azure's Application Gateway, IIS ARR). */
const IPV4_WITH_PORT = /^(\d+\.\d+\.\d+\.\d+):\d+$/;

/** `[2001:db8::1]:51001`, with or without the port (RFC 7239, 6). */
const BRACKETED = /^\[([^\]]*)\](?::\d+)?$/;

/** An IPv4 client of a socket for IPv4 and IPv6 (RFC 4291, 2.5.5.2), in the form in which `new URL()` writes it. */
const IPV4_MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * Converts a client's address to one form, however a proxy or the kernel writes it: without port, brackets, quotes and
 * zone, an IPv4-mapped address as IPv4, and IPv6 as in RFC 5952. Undefined if the text is not an address, such as
 * `unknown`.
 */
export function clientAddress(text: string): string | undefined {
  const unquoted = text.trim().replace(/^"(.*)"$/, '$1');
  const bare = BRACKETED.exec(unquoted)?.[1] ?? IPV4_WITH_PORT.exec(unquoted)?.[1] ?? unquoted;
  const [address = ''] = bare.split('%');
  switch (isIP(address)) {
    case 4:
      return address;
    case 6:
      return canonical(address);
    default:
      return undefined;
  }
}

function canonical(ipv6: string): string {
  const address = new URL(`http://[${ipv6}]`).hostname.slice(1, -1);
  const [, high, low] = IPV4_MAPPED.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  const bits = (Number.parseInt(high, 16) << 16) | Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join('.');
}
