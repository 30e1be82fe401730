import type { Clock } from '../../platform/clock.js';
import { openAgain, OutputQueue } from '../../platform/output-queue.js';

/** How much of the primary's own output may wait for a reader, in bytes; further lines are dropped and counted. */
const LIMIT = 1_048_576;

type Write = typeof process.stdout.write;
type Done = (error?: Error | null) => void;

/** Counts the lines of this process that were dropped because nobody read its output. */
class Dropped {
  private lines = 0;

  /** Counts a dropped line; returns true if it is the first one since the last report. */
  add(): boolean {
    this.lines += 1;
    return this.lines === 1;
  }

  /** Returns a line that reports the dropped lines, once; '' if none was dropped. */
  report(): string {
    if (this.lines === 0) return '';
    const text = `nestjs-cluster: ${this.lines} lines of the primary were dropped, for nobody read its output\n`;
    this.lines = 0;
    return text;
  }
}

/**
 * Limits what waits in memory for the reader of a pipe. A stream over a pipe never blocks, but if the reader stops
 * reading, it would keep every line.
 *
 * @param write the function that really writes to the stream, without a limit
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
 * Keeps this process from blocking while a terminal is stopped (Ctrl-S, a stalled ssh), as Node's own stream over a
 * terminal would. This works only on Linux, where the terminal is opened a second time; elsewhere nothing changes.
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
