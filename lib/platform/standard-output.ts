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

/**
 * Lets this process wait while it writes to a pipe that is full, as it does with a file. A stream over a pipe keeps
 * what does not fit in memory instead, without a limit, and `process.exit()` throws that away.
 */
export function waitForReader([stdout, stderr]: readonly [stdout: boolean, stderr: boolean]): void {
  if (stdout) block(process.stdout);
  if (stderr) block(process.stderr);
}

function block(stream: NodeJS.WriteStream): void {
  const { _handle: handle } = stream as { _handle?: { setBlocking?(blocking: boolean): void } };
  handle?.setBlocking?.(true);
}
