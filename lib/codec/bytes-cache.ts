/** Entries of a cache. A power of two. */
const ENTRIES = 256;

/** Longer ranges are not remembered, in bytes. */
const LONGEST = 1024;

/**
 * What was made of a range of bytes, for ranges that are few and come again and again: making it is a call into the
 * runtime each time, finding it here is not.
 */
export class BytesCache<Bytes extends Uint8Array, Made> {
  private readonly entries = Array.from<{ bytes: Uint8Array; made: Made } | undefined>({ length: ENTRIES });

  /** @param make must give the same for the same bytes, and keep none of them */
  constructor(private readonly make: (bytes: Bytes, start: number, end: number) => Made) {}

  /** What is made of the bytes at `start` to `end` of `source`. */
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
