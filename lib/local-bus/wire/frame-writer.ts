import type { Frame } from './frame.js';

/** Ranges up to this many bytes are copied together instead of being written one by one. */
const COPY_LIMIT = 4 * 1024;

/**
 * A longer range is copied as well if it is less than this share of its memory: while it waits, all of that is kept.
 */
const KEEP_SHARE = 1 / 4;

/** Size of the memory that small ranges are copied to, in bytes. */
const SLAB = 64 * 1024;

/** Collects the frames of one turn of the event loop into as few pieces of memory as possible. */
export class FrameWriter {
  /** How many bytes were collected since the last `take`. */
  bytes = 0;
  private pieces: Buffer[] = [];
  /** The first frame of a range of adjacent frames: so relayed chunks are written as they came, without a copy. */
  private open: Frame | undefined;
  private openEnd = 0;
  private slab: Buffer | undefined;
  private slabStart = 0;
  private slabEnd = 0;

  add(frame: Frame): void {
    this.bytes += frame.length;
    if (frame.start === this.openEnd && frame.bytes === this.open?.bytes) {
      this.openEnd = frame.end;
      return;
    }
    this.seal();
    this.open = frame;
    this.openEnd = frame.end;
  }

  /** Returns what was collected, in order. */
  take(): Buffer[] {
    this.seal();
    this.sealSlab();
    const taken = this.pieces;
    this.pieces = [];
    this.bytes = 0;
    return taken;
  }

  /** Everything that was taken has been written, so its memory may be reused. */
  recycle(): void {
    if (this.slabStart === this.slabEnd) this.slabStart = this.slabEnd = 0;
  }

  private seal(): void {
    if (this.open === undefined) return;
    const { bytes, start } = this.open;
    const length = this.openEnd - start;
    const isSmall = length <= COPY_LIMIT || length < bytes.buffer.byteLength * KEEP_SHARE;
    if (isSmall && length <= SLAB) {
      this.copy(bytes, start, length);
    } else {
      this.sealSlab();
      this.pieces.push(bytes.subarray(start, this.openEnd));
    }
    this.open = undefined;
  }

  private copy(bytes: Buffer, start: number, length: number): void {
    if (this.slab === undefined || this.slabEnd + length > SLAB) {
      this.sealSlab();
      this.slab = Buffer.allocUnsafeSlow(SLAB);
      this.slabStart = this.slabEnd = 0;
    }
    bytes.copy(this.slab, this.slabEnd, start, start + length);
    this.slabEnd += length;
  }

  private sealSlab(): void {
    if (this.slab === undefined || this.slabStart === this.slabEnd) return;
    this.pieces.push(this.slab.subarray(this.slabStart, this.slabEnd));
    this.slabStart = this.slabEnd;
  }
}
