import type { Clock } from './clock.js';
import { openAgain, OutputQueue } from './output-queue.js';
import { processEvents } from './process-events.js';

/** Error codes of a write when the reader is gone: a pipe without a reader, a terminal that was closed. */
const NOBODY_READS = new Set(['EPIPE', 'EIO', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

/**
 * Keeps this process running when nobody reads its output any more, for example because a log collector died. Without
 * this, each log line would be an uncaught error: workers would be replaced for it, one after another, and the log line
 * about that would fail as well. Nothing is logged, because there is nowhere to log it. Other errors stay uncaught.
 */
export function ignoreBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!NOBODY_READS.has(error.code ?? '')) throw error;
    });
  }
}

/** How much output a worker keeps for a slower reader, in bytes; beyond that it waits. */
const LIMIT = 8_388_608;

/** A worker's stdout or stderr. */
export interface WorkerStdio {
  /** Whether it is a pipe to the primary that only this process writes to; other outputs are not changed. */
  readonly isOwnPipe: boolean;
  /** Descriptor that the primary writes to: output goes there once the primary is gone. */
  readonly afterPrimary: number;
}

/**
 * Makes this process wait when its output is not read, but only beyond LIMIT. A stream over a pipe keeps unwritten
 * output in memory without a limit, and `process.exit()` drops it; a stream over a terminal waits at once.
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
  // Loggers that write to the descriptor directly, such as pino, block there.
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
