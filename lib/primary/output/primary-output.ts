import fs from 'node:fs';
import type { Clock } from '../../platform/clock.js';
import { LogFormat } from './log-format.js';
import { PrimaryLogger } from './primary-logger.js';
import { boundPipe, boundTerminal } from './own-output.js';

/**
 * How much may wait here for a reader, in bytes. Above this limit, the workers' own pipes are not read, and fill up.
 */
const HIGH_WATER = 262_144;

/** A stream of the primary to which the workers' lines are written. */
export interface Destination {
  /** Whether no more should be written until `room` has called back. */
  readonly isFull: boolean;
  write(lines: Buffer): void;
  /** Calls back once there is room again. */
  room(callback: () => void): void;
}

/**
 * The output of the workers, and that of this process itself.
 *
 * A file, a terminal and /dev/null take each `write` of a process as a whole, so workers inherit them. In a pipe (or
 * socket), the lines of several writers mix as soon as it is full, so each worker has a pipe of its own, and whole
 * lines are passed on from there to the primary's. Nothing here blocks: if the reader stops reading, first HIGH_WATER
 * fills, then the pipe of each worker that continues to write, and then that worker waits.
 */
export class PrimaryOutput {
  /** Undefined if the workers inherit it. */
  readonly stdout: Destination | undefined;
  readonly stderr: Destination | undefined;
  readonly format = new LogFormat();
  readonly logger: PrimaryLogger;
  private readonly pipes: PipeDestination[] = [];

  constructor(private readonly clock: Clock) {
    this.logger = new PrimaryLogger(this.format, clock);
    this.stdout = this.take(process.stdout, 1);
    // `2>&1`: both are the same pipe, so everything goes through one queue.
    if (this.stdout && isSame(1, 2)) {
      this.stderr = this.stdout;
      process.stderr.write = process.stdout.write.bind(process.stdout);
    } else this.stderr = this.take(process.stderr, 2);
  }

  /** Bytes that wait for a reader. */
  get waiting(): number {
    return this.pipes.reduce((sum, pipe) => sum + pipe.waiting, 0);
  }

  private take(stream: NodeJS.WriteStream, fd: number): Destination | undefined {
    if (stream.isTTY) boundTerminal(stream, fd, this.clock);
    if (!isPipe(fd)) return undefined;
    const pipe = new PipeDestination(stream);
    this.pipes.push(pipe);
    return pipe;
  }
}

class PipeDestination implements Destination {
  private readonly writeNow: NodeJS.WriteStream['write'];
  private gone = false;

  constructor(private readonly stream: NodeJS.WriteStream) {
    this.writeNow = stream.write.bind(stream);
    boundPipe(stream, this.writeNow);
    // Several streams of several workers may wait for room.
    stream.setMaxListeners(0);
    stream.once('close', () => (this.gone = true));
  }

  get isFull(): boolean {
    return !this.gone && this.stream.writableLength > HIGH_WATER;
  }

  get waiting(): number {
    return this.gone ? 0 : this.stream.writableLength;
  }

  write(lines: Buffer): void {
    // After the reader is gone, lines are discarded, as by /dev/null, so that no worker waits.
    if (!this.gone) this.writeNow(lines);
  }

  room(callback: () => void): void {
    const go = () => {
      this.stream.off('drain', go).off('close', go);
      callback();
    };
    this.stream.once('drain', go).once('close', go);
  }
}

function isPipe(fd: number): boolean {
  try {
    const stat = fs.fstatSync(fd);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}

function isSame(a: number, b: number): boolean {
  try {
    const [one, other] = [fs.fstatSync(a), fs.fstatSync(b)];
    return one.dev === other.dev && one.ino === other.ino;
  } catch {
    return false;
  }
}
