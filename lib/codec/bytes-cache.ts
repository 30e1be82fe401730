/** Number of entries of a cache; a power of two. */
const ENTRIES = 256;

/** Ranges longer than this are not cached, in bytes. */
const LONGEST = 1024;

/**
 * Caches what is made from ranges of bytes, for few ranges that recur often: making a value is a call into the
 * runtime, and a lookup in this cache is not.
 */
export class BytesCache<Bytes extends Uint8Array, Made> {
  private readonly entries = Array.from<{ bytes: Uint8Array; made: Made } | undefined>({ length: ENTRIES });

  /** @param make must return the same for the same bytes, and must not keep them */
  constructor(private readonly make: (bytes: Bytes, start: number, end: number) => Made) {}

  /** The value made from the bytes from `start` to `end` of `source`. */
  get(source: Bytes, start: number, end: number): Made {
    const length = end - start;
    if (length === 0 || length > LONGEST) return this.make(source, start, end);
    const slot =
      (length * 31 + source[start]! * 7 + source[start + (length >> 1)]! * 3 + source[end - 1]!) & (ENTRIES - 1);
    const known = this.entries[slot];
    if (known !== undefined && isAt(source, start, length, known.bytes)) return known.made;
    const made = this.make(source, start, end);
    this.entries[slot] = { bytes: Uint8Array.prototype.slice.call(source, start, end), made };
    return made;
  }
}

function isAt(source: Uint8Array, start: number, length: number, bytes: Uint8Array): boolean {
  if (bytes.length !== length) return false;
  for (let i = 0; i < length; i++) {
    if (source[start + i] !== bytes[i]) return false;
  }
  return true;
}
