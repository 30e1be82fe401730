import { BytesCache } from '../../codec/bytes-cache.js';

/*
 * Event names are few and come again with every frame. Turning them into bytes and back is a call into the
 * runtime each; looking them up here is not.
 */

/** Names remembered on their way out. */
const ENTRIES = 256;

/** Longer ones are not, in bytes. */
const LONGEST = 64;

const encoded = new Map<string, Uint8Array>();

/** `name` in UTF-8. */
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

/** The UTF-8 name at `start` to `end` of `source`. */
export const nameIn = (source: Buffer, start: number, end: number): string => decoded.get(source, start, end);
