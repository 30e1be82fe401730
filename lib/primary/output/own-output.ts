import fs from 'node:fs';
import type { Clock } from '../../platform/clock.js';

/** What may wait for a reader of the primary's own lines, in bytes; further lines are dropped and counted. */
const LIMIT = 1_048_576;

/** How soon a terminal that took nothing is tried again, in ms. */
const RETRY = 50;

type Write = typeof process.stdout.write;
type Done = (error?: Error | null) => void;

/** The lines of this process that a reader who stands still has cost. */
class Dropped {
  private lines = 0;

  /** Counts one; true for the first since the last report. */
  add(): boolean {
    this.lines += 1;
    return this.lines === 1;
  }

  /** The line that says so, once; '' where nothing was dropped. */
  report(): string {
    if (this.lines === 0) return '';
    const text = `nestjs-cluster: ${this.lines} lines of the primary were dropped, for nobody read its output\n`;
    this.lines = 0;
    return text;
  }
}

/**
 * Lets this process write to a pipe whose reader may stand still: a stream over a pipe never blocks, but it would keep
 * every line in memory.
 *
 * @param write what writes to the stream in truth, past any limit
 */
export function boundPipe(stream: NodeJS.WriteStream, write: Write): void {
  const dropped = new Dropped();
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    if (stream.writableLength <= LIMIT) return write(chunk, ...(rest as [BufferEncoding, Done]));
    if (dropped.add()) stream.once('drain', () => write(dropped.report()));
    const done = rest.at(-1);
    if (typeof done === 'function') process.nextTick(done);
    return false;
  };
}

/**
 * Lets this process write to a terminal that may stand still (Ctrl-S, a stalled ssh): Node's own stream over one
 * blocks. Linux alone opens the terminal a second time; elsewhere nothing changes.
 */
export function boundTerminal(stream: NodeJS.WriteStream, fd: number, clock: Clock): void {
  const terminal = openAgain(fd);
  if (terminal === undefined) return;
  const dropped = new Dropped();
  let queue: Buffer[] = [];
  let size = 0;
  let waits = false;

  function flush(): void {
    waits = false;
    while (queue.length > 0) {
      const [first] = queue as [Buffer];
      const written = writeNow(terminal!, first);
      if (written === undefined) {
        queue = [];
        size = 0;
        return;
      }
      size -= written;
      if (written < first.length) {
        queue[0] = first.subarray(written);
        waits = true;
        clock.after(RETRY, flush, false);
        return;
      }
      queue.shift();
      if (queue.length === 0) add(dropped.report());
    }
  }

  function add(chunk: string | Uint8Array, encoding?: BufferEncoding): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk);
    if (bytes.length === 0) return;
    queue.push(bytes);
    size += bytes.length;
  }

  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    if (size > LIMIT) dropped.add();
    else add(chunk, typeof rest[0] === 'string' ? (rest[0] as BufferEncoding) : undefined);
    if (!waits) flush();
    const done = rest.at(-1);
    if (typeof done === 'function') process.nextTick(done);
    return !waits;
  };
}

/** The same terminal, without blocking; the flag belongs to this opening alone and not to the shell's. */
function openAgain(fd: number): number | undefined {
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;
    return process.platform === 'linux'
      ? fs.openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY)
      : undefined;
  } catch {
    return undefined;
  }
}

/** How many bytes it took; undefined where the terminal is gone. */
function writeNow(fd: number, bytes: Buffer): number | undefined {
  try {
    return fs.writeSync(fd, bytes);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 0 : undefined;
  }
}
