import fs from 'node:fs';
import type { Clock } from './clock.js';

/** Delay before a reader that accepted nothing is tried again, in ms. */
const RETRY = 10;

/** How long the end of the process waits for a reader that accepts nothing, in ms. */
const EXIT_PATIENCE = 3_000;

/** Opens the same file or pipe again for non-blocking writes; the flag applies to this opening alone. Linux only. */
export function openAgain(fd: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;
    return fs.openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return undefined;
  }
}

/** Output that waits for a reader that is slower than this process. */
export class OutputQueue {
  /** How many bytes wait. */
  size = 0;
  private queue: Buffer[] = [];
  private retrying = false;
  private isEnding = false;
  private exitPatience = EXIT_PATIENCE;
  private readonly sleeper = new Int32Array(new SharedArrayBuffer(4));

  /**
   * @param fds the descriptors to write to: the first one whose other end is still open is used
   * @param drained called whenever nothing waits any more
   */
  constructor(
    private readonly fds: number[],
    private readonly clock: Clock,
    private readonly drained: () => void = () => {},
  ) {}

  add(chunk: string | Uint8Array, encoding?: BufferEncoding): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk);
    if (bytes.length === 0) return;
    this.queue.push(bytes);
    this.size += bytes.length;
    if (this.isEnding) this.finish();
    else if (!this.retrying) this.flush();
  }

  /** Blocks this process until at most `size` bytes wait, or the reader has accepted nothing for `patience` ms. */
  wait(size: number, patience = Infinity): void {
    for (let slept = 0; this.size > size && slept < patience;) {
      if (this.write()) slept = 0;
      else slept += RETRY;
      if (this.size > size) Atomics.wait(this.sleeper, 0, 0, RETRY);
    }
  }

  /**
   * Blocks until everything is written, because the process ends. Later output of exit listeners is written the same
   * way.
   */
  finish(): void {
    this.isEnding = true;
    this.wait(0, this.exitPatience);
    // A reader that accepted nothing for so long does not delay every further line.
    if (this.size > 0) this.exitPatience = RETRY;
  }

  private flush(): void {
    this.retrying = false;
    this.write();
    if (this.queue.length === 0) return this.drained();
    this.retrying = true;
    this.clock.after(RETRY, () => this.flush(), false);
  }

  /** Writes what the reader accepts. Returns whether it accepted anything. */
  private write(): boolean {
    const before = this.size;
    while (this.queue.length > 0) {
      const first = this.queue[0]!;
      const written = this.writeOnce(first);
      this.size -= written;
      if (written < first.length) {
        this.queue[0] = first.subarray(written);
        break;
      }
      this.queue.shift();
    }
    return this.size < before;
  }

  private writeOnce(bytes: Buffer): number {
    while (true) {
      try {
        return fs.writeSync(this.fds[0]!, bytes);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
        // The reader is gone, so the bytes count as written.
        if (this.fds.length === 1) return bytes.length;
        this.fds.shift();
      }
    }
  }
}
