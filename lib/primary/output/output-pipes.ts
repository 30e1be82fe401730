import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** How long making a pipe may take, in ms. */
const TIMEOUT = 1_000;

/** A pipe between a worker that is about to be forked and the primary. */
export interface OutputPipe {
  /** Entry of the worker's `stdio`. */
  readonly entry: number | 'pipe';
  /** Call it when the worker is forked: from then on the worker alone holds the writing end. */
  reader(piped: Readable | null): Readable | undefined;
  /** Call it instead where there is no worker. */
  discard(): void;
}

/** What node:child_process gives: a pair of sockets. `open('/dev/stdout')` fails in a worker that has one. */
const SOCKETS: OutputPipe = { entry: 'pipe', reader: (piped) => piped ?? undefined, discard: () => {} };

/**
 * Makes `count` pipes. They are real ones (a FIFO without a name), as a process under a shell or a container runtime
 * has them: a worker may open /dev/stdout, and short lines fill them evenly.
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
    // No such command, no folder to write to, no descriptors left: sockets serve as well.
    for (const fd of opened) fs.closeSync(fd);
    return Array.from({ length: count }, () => SOCKETS);
  } finally {
    if (folder !== undefined) remove(folder, count);
  }
}

/** By name: to list a folder takes a descriptor, and there may be none. */
function remove(folder: string, count: number): void {
  for (let index = 0; index < count; index++) fs.rmSync(join(folder, String(index)), { force: true });
  try {
    fs.rmdirSync(folder);
  } catch {
    // Something else is in it: the system sees to what is temporary.
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
