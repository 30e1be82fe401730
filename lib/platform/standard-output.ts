import type { Clock } from './clock.js';
import { openAgain, OutputQueue } from './output-queue.js';
import { processEvents } from './process-events.js';

/** What a write fails with once the reader is gone: a pipe without an end, a terminal that was closed. */
const NOBODY_READS = new Set(['EPIPE', 'EIO', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

/**
 * Lets this process live on when nobody reads its output any more, such as a log collector that died. Without it
 * each line of a logger would be an uncaught error: workers would be replaced for it, one after another, and the
 * line that says so would be the next. There is nowhere left to say it. Other errors stay uncaught.
 */
export function ignoreBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!NOBODY_READS.has(error.code ?? '')) throw error;
    });
  }
}

/** What a worker keeps for a reader that is slower than it, in bytes; then it waits. */
const LIMIT = 8_388_608;

/** A worker's stdout or stderr. */
export interface WorkerStdio {
  /** Whether it is a pipe to the primary that this process alone writes to; others' are left alone. */
  readonly isOwnPipe: boolean;
  /** Descriptor of what the primary writes to: the lines go there once the primary is gone. */
  readonly afterPrimary: number;
}

/**
 * Lets this process wait while it writes to what nobody reads, but not before LIMIT. A stream over a pipe keeps what does
 * not fit in memory, without a limit, and `process.exit()` throws that away; a stream over a terminal waits at once.
 */
export function waitForReader(stdout: WorkerStdio, stderr: WorkerStdio, clock: Clock): void {
  const streams = [
    { stream: process.stdout, fd: 1, ...stdout },
    { stream: process.stderr, fd: 2, ...stderr },
  ];
  for (const { stream, fd, isOwnPipe, afterPrimary } of streams) {
    if (isOwnPipe || stream.isTTY) bound(stream, fd, clock, isOwnPipe ? afterPrimary : undefined);
  }
}

function bound(stream: NodeJS.WriteStream, fd: number, clock: Clock, next: number | undefined): void {
  // Loggers that write to the descriptor itself, such as pino, wait there.
  (stream as { _handle?: { setBlocking?(blocking: boolean): void } })._handle?.setBlocking?.(true);
  const again = openAgain(fd);
  if (again === undefined) return;
  const queue = new OutputQueue(next === undefined ? [again] : [again, next], clock);
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    queue.add(chunk, typeof rest[0] === 'string' ? (rest[0] as BufferEncoding) : undefined);
    if (queue.size > LIMIT) queue.wait(LIMIT);
    const done = rest.at(-1);
    if (typeof done === 'function') process.nextTick(done);
    return true;
  };
  processEvents.onExit(() => queue.finish());
}
