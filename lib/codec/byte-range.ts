/**
 * A range of some bytes. Creating a view of them (a separate Buffer) takes several times as long, and collecting it
 * costs even more; every message is read and relayed as a range of the chunk in which it came.
 */
export class ByteRange {
  constructor(
    readonly bytes: Buffer,
    /** Index of its first byte. */
    readonly start = 0,
    /** Index after its last byte. */
    readonly end = bytes.length,
  ) {}

  /** Length in bytes. */
  get length(): number {
    return this.end - this.start;
  }
}
