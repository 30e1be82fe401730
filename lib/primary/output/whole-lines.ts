const NEWLINE = 0x0a;

/** A line with more bytes than this is passed on in parts, so that a line without an end does not fill the memory. */
const MAX_LINE = 4_194_304;

/** Splits the output of one worker after its last newline, so that the lines of several workers never mix. */
export class WholeLines {
  private parts: Buffer[] = [];
  private held = 0;

  constructor(private readonly maxLine = MAX_LINE) {}

  /** Takes the bytes that were read; returns every line that is complete now, and keeps the rest. */
  push(chunk: Buffer): Buffer | undefined {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      this.keep(chunk);
      return this.held > this.maxLine ? this.take() : undefined;
    }
    this.keep(chunk.subarray(0, end));
    const lines = this.take();
    if (end < chunk.length) this.keep(chunk.subarray(end));
    return lines;
  }

  /** No more output comes: returns the rest with a newline, because a line of another worker may follow. */
  end(): Buffer | undefined {
    if (this.held === 0) return undefined;
    this.keep(Buffer.from('\n'));
    return this.take();
  }

  private keep(part: Buffer): void {
    this.parts.push(part);
    this.held += part.length;
  }

  private take(): Buffer {
    const all = this.parts.length === 1 ? this.parts[0]! : Buffer.concat(this.parts, this.held);
    this.parts = [];
    this.held = 0;
    return all;
  }
}
