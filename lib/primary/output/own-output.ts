import type { Clock } from '../../platform/clock.js';
import { openAgain, OutputQueue } from '../../platform/output-queue.js';

/** What may wait for a reader of the primary's own lines, in bytes; further lines are dropped and counted. */
const LIMIT = 1_048_576;

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
  const queue: OutputQueue = new OutputQueue([terminal], clock, () => queue.add(dropped.report()));
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    if (queue.size > LIMIT) dropped.add();
    else queue.add(chunk, typeof rest[0] === 'string' ? (rest[0] as BufferEncoding) : undefined);
    const done = rest.at(-1);
    if (typeof done === 'function') process.nextTick(done);
    return queue.size === 0;
  };
}
