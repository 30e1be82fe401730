import { BytesCache } from '../../codec/bytes-cache.js';

/*
 * There are few event names, and they recur in every frame. Encoding and decoding each is a call into the runtime,
 * which a lookup in this cache avoids.
 */

/** How many encoded names are remembered. */
const ENTRIES = 256;

/** Names longer than this many bytes are not remembered. */
const LONGEST = 64;

const encoded = new Map<string, Uint8Array>();

/** `name` encoded as UTF-8. */
export function bytesOfName(name: string): Uint8Array {
  let bytes = encoded.get(name);
  if (bytes === undefined) {
    bytes = Buffer.from(name);
    if (bytes.length > LONGEST) return bytes;
    if (encoded.size === ENTRIES) encoded.clear();
    encoded.set(name, bytes);
  }
  return bytes;
}

const decoded = new BytesCache((bytes: Buffer, start, end) => bytes.toString('utf8', start, end));

/** Decodes the UTF-8 name from `start` to `end` of `source`. */
export const nameIn = (source: Buffer, start: number, end: number): string => decoded.get(source, start, end);
