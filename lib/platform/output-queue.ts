import fs from 'node:fs';
import type { Clock } from './clock.js';

/** How soon a reader that took nothing is tried again, in ms. */
const RETRY = 10;

/** At the end of the process, a reader that takes nothing for this long (ms) is not waited for. */
const EXIT_PATIENCE = 3_000;

/** The same file or pipe, opened once more for writing without waiting; the flag belongs to this opening alone. Linux. */
export function openAgain(fd: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;
    return fs.openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return undefined;
  }
}

/** What waits for a reader who is slower than this process. */
export class OutputQueue {
  /** Bytes that wait. */
  size = 0;
  private queue: Buffer[] = [];
  private retrying = false;
  private isEnding = false;
  private exitPatience = EXIT_PATIENCE;
  private readonly sleeper = new Int32Array(new SharedArrayBuffer(4));

  /**
   * @param fds where it goes: to the first one whose other end is read
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

  /** Blocks this process until `size` bytes at most wait, or nobody has read for `patience` ms. */
  wait(size: number, patience = Infinity): void {
    for (let slept = 0; this.size > size && slept < patience;) {
      if (this.write()) slept = 0;
      else slept += RETRY;
      if (this.size > size) Atomics.wait(this.sleeper, 0, 0, RETRY);
    }
  }

  /** Blocks until all is written, as the process ends; so does what listeners of its end write after this. */
  finish(): void {
    this.isEnding = true;
    this.wait(0, this.exitPatience);
    // A reader that took nothing for that long is not waited for with every line that follows.
    if (this.size > 0) this.exitPatience = RETRY;
  }

  private flush(): void {
    this.retrying = false;
    this.write();
    if (this.queue.length === 0) return this.drained();
    this.retrying = true;
    this.clock.after(RETRY, () => this.flush(), false);
  }

  /** Writes what the reader takes; whether that was anything. */
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
        // Nobody reads any more: it is as if all were written.
        if (this.fds.length === 1) return bytes.length;
        this.fds.shift();
      }
    }
  }
}
