import { ByteRange } from '../../codec/byte-range.js';
import { type Frame, HEADER, isKind } from './frame.js';

/**
 * Splits a stream of bytes into frames. A frame that is completely in one chunk is a range of that chunk. Other frames
 * are assembled in memory of their own size.
 */
export class FrameReader {
  /** The beginning of a header that was cut off at the end of the last chunk. */
  private readonly header = Buffer.alloc(HEADER);
  private headerFilled = 0;
  /** The frame that was cut off at the end of the last chunk. */
  private partial: Buffer | undefined;
  private partialFilled = 0;
  private stopped = false;

  /**
   * @param maxFrame largest frame, in bytes
   * @param onFrame called for each frame, in order
   * @param onError called once if the bytes are not frames; nothing is read after that
   */
  constructor(
    private readonly maxFrame: number,
    private readonly onFrame: (frame: Frame) => void,
    private readonly onError: (reason: string) => void,
  ) {}

  /** Reads the next bytes of the stream. */
  push(chunk: Buffer): void {
    let at = 0;
    while (!this.stopped && at < chunk.length) {
      if (this.partial !== undefined) at = this.fillPartial(this.partial, chunk, at);
      else if (this.headerFilled > 0 || chunk.length - at < HEADER) at = this.fillHeader(chunk, at);
      else at = this.cut(chunk, at);
    }
  }

  /** Whether the next `bytes` bytes all belong to the frame that has begun, and so are copied to its own memory. */
  isWithinFrame(bytes: number): boolean {
    return this.partial !== undefined && bytes <= this.partial.length - this.partialFilled;
  }

  /** Stops reading. */
  stop(): void {
    this.stopped = true;
  }

  private cut(chunk: Buffer, at: number): number {
    const size = this.sizeOf(chunk, at);
    if (size === 0) return chunk.length;
    if (chunk.length - at < size) {
      this.partial = Buffer.allocUnsafeSlow(size);
      this.partialFilled = 0;
      return at;
    }
    this.onFrame(new ByteRange(chunk, at, at + size));
    return at + size;
  }

  private fillHeader(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.header, this.headerFilled, at, at + HEADER - this.headerFilled);
    this.headerFilled += copied;
    if (this.headerFilled === HEADER) {
      this.headerFilled = 0;
      const size = this.sizeOf(this.header, 0);
      if (size === 0) return chunk.length;
      this.partial = Buffer.allocUnsafeSlow(size);
      this.partialFilled = this.header.copy(this.partial);
      this.finishPartial(this.partial);
    }
    return at + copied;
  }

  private fillPartial(partial: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(partial, this.partialFilled, at, at + partial.length - this.partialFilled);
    this.partialFilled += copied;
    this.finishPartial(partial);
    return at + copied;
  }

  private finishPartial(partial: Buffer): void {
    if (this.partialFilled < partial.length) return;
    this.partial = undefined;
    this.onFrame(new ByteRange(partial));
  }

  /** The size of the frame whose header is at `at`, in bytes; 0 if that is not a frame's header. */
  private sizeOf(bytes: Buffer, at: number): number {
    const size = bytes.readUInt32LE(at) + 4;
    const kind = bytes[at + 4]!;
    if (size > this.maxFrame) return this.fail(`a frame of ${size} bytes, over the limit of ${this.maxFrame}`);
    if (!isKind(kind)) return this.fail(`a frame of unknown kind ${kind}`);
    const least = HEADER + bytes.readUInt16LE(at + 12) + bytes.readUInt16LE(at + 14);
    if (size < least) return this.fail(`a frame of ${size} bytes whose names alone need ${least}`);
    return size;
  }

  private fail(reason: string): 0 {
    this.stopped = true;
    this.onError(reason);
    return 0;
  }
}
