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
export function outliveOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!NOBODY_READS.has(error.code ?? '')) throw error;
    });
  }
}

/** What a worker keeps for a reader that is slower than it, in bytes; then it waits. */
const LIMIT = 8_388_608;

/**
 * Lets this process wait while it writes to what nobody reads, but not before LIMIT. A stream over a pipe keeps what does
 * not fit in memory, without a limit, and `process.exit()` throws that away; a stream over a terminal waits at once.
 *
 * @param isOwnPipe whether stdout and stderr are pipes that this process alone writes to; others' are left alone
 */
export function waitForReader(isOwnPipe: readonly [stdout: boolean, stderr: boolean], clock: Clock): void {
  for (const [index, stream] of [process.stdout, process.stderr].entries()) {
    if (isOwnPipe[index] || stream.isTTY) bound(stream, index + 1, clock);
  }
}

function bound(stream: NodeJS.WriteStream, fd: number, clock: Clock): void {
  // Loggers that write to the descriptor itself, such as pino, wait there.
  (stream as { _handle?: { setBlocking?(blocking: boolean): void } })._handle?.setBlocking?.(true);
  const again = openAgain(fd);
  if (again === undefined) return;
  const queue = new OutputQueue(again, clock);
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    queue.add(chunk, typeof rest[0] === 'string' ? (rest[0] as BufferEncoding) : undefined);
    if (queue.size > LIMIT) queue.wait(LIMIT);
    const done = rest.at(-1);
    if (typeof done === 'function') process.nextTick(done);
    return true;
  };
  processEvents.onExit(() => queue.finish());
}
