/**
 * A part of some bytes. A view of them (a Buffer of its own) takes several times as long to make, and more than that to
 * collect again; every message is read and relayed as a part of what came with it.
 */
export class ByteRange {
  constructor(
    readonly bytes: Buffer,
    /** Where it starts in them. */
    readonly start = 0,
    /** Where what comes after it starts. */
    readonly end = bytes.length,
  ) {}

  /** In bytes. */
  get length(): number {
    return this.end - this.start;
  }
}
