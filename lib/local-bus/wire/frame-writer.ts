import type { Frame } from './frame.js';

/** Ranges up to this many bytes are copied together instead of being written one by one. */
const COPY_LIMIT = 4 * 1024;

/** A longer range is copied too where it is less than this part of its memory, which waiting would keep whole. */
const KEEP_SHARE = 1 / 4;

/** Bytes of the memory that small ranges are copied to. */
const SLAB = 64 * 1024;

/** Collects the frames of a loop turn into as few pieces of memory as it takes. */
export class FrameWriter {
  /** Bytes collected since the last `take`. */
  bytes = 0;
  private pieces: Buffer[] = [];
  /** First frame of the range that grows while frames adjoin: relayed chunks leave as they came, without a copy. */
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

  /** What was collected, in order. */
  take(): Buffer[] {
    this.seal();
    this.sealSlab();
    const taken = this.pieces;
    this.pieces = [];
    this.bytes = 0;
    return taken;
  }

  /** Everything taken has left: its memory may be written again. */
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
