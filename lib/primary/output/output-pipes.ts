import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** How long making the pipes may take, in ms. */
const TIMEOUT = 1_000;

/** A pipe between a worker that is about to be forked and the primary. */
export interface OutputPipe {
  /** Entry of the worker's `stdio`. */
  readonly entry: number | 'pipe';
  /** Must be called when the worker has been forked: from then on, only the worker holds the writing end. */
  reader(piped: Readable | null): Readable | undefined;
  /** Must be called instead if the worker could not be forked. */
  discard(): void;
}

/** The pipe of node:child_process, which is a pair of sockets: `open('/dev/stdout')` fails in a worker that has one. */
const SOCKETS: OutputPipe = { entry: 'pipe', reader: (piped) => piped ?? undefined, discard: () => {} };

/**
 * Makes `count` pipes. They are real pipes (a FIFO without a name), like those that a shell or a container runtime
 * gives to a process: a worker can open /dev/stdout, and short lines fill them evenly.
 */
export function outputPipes(count: number): OutputPipe[] {
  if (count === 0) return [];
  let folder: string | undefined;
  const opened: number[] = [];
  try {
    folder = fs.mkdtempSync(join(tmpdir(), 'nestjs-cluster-'));
    const paths = Array.from({ length: count }, (_, index) => join(folder!, String(index)));
    if (spawnSync('mkfifo', ['-m', '600', ...paths], { stdio: 'ignore', timeout: TIMEOUT }).status !== 0) {
      return Array.from({ length: count }, () => SOCKETS);
    }
    return paths.map((path) => fifo(path, opened));
  } catch {
    // There is no such command, no folder to write to, or no descriptor left: sockets work as well.
    for (const fd of opened) fs.closeSync(fd);
    return Array.from({ length: count }, () => SOCKETS);
  } finally {
    if (folder !== undefined) remove(folder, count);
  }
}

/** Removes the files by name, because listing a folder needs a descriptor, and none may be left. */
function remove(folder: string, count: number): void {
  for (let index = 0; index < count; index++) fs.rmSync(join(folder, String(index)), { force: true });
  try {
    fs.rmdirSync(folder);
  } catch {
    // Something else is in the folder: the system cleans up temporary files.
  }
}

function fifo(path: string, opened: number[]): OutputPipe {
  const { O_RDONLY, O_NONBLOCK } = fs.constants;
  const read = fs.openSync(path, O_RDONLY | O_NONBLOCK);
  opened.push(read);
  const write = fs.openSync(path, 'w');
  opened.push(write);
  return {
    entry: write,
    reader: () => {
      fs.closeSync(write);
      return new net.Socket({ fd: read, readable: true, writable: false });
    },
    discard: () => {
      fs.closeSync(write);
      fs.closeSync(read);
    },
  };
}
