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
 * Lets this process wait while it writes to a pipe that nobody reads. A stream over a pipe keeps what does not fit in
 * memory instead, without a limit, and `process.exit()` throws that away.
 */
export function waitForReader([stdout, stderr]: readonly [stdout: boolean, stderr: boolean], clock: Clock): void {
  if (stdout) bound(process.stdout, 1, clock);
  if (stderr) bound(process.stderr, 2, clock);
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
