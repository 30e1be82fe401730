import fs from 'node:fs';
import type { Clock } from '../../platform/clock.js';
import { LogFormat } from './log-format.js';
import { PrimaryLogger } from './primary-logger.js';
import { boundPipe, boundTerminal } from './own-output.js';

/** What may wait here for a reader before the workers' own pipes are left to fill, in bytes. */
const HIGH_WATER = 262_144;

/** A stream of the primary's that workers' lines go to, or undefined where workers write to it themselves. */
export interface Destination {
  /** No more should be passed on until `room` has been. */
  readonly isFull: boolean;
  write(lines: Buffer): void;
  /** Calls back once there is room again. */
  room(callback: () => void): void;
}

/**
 * Where what the workers write goes to, and what this process writes itself.
 *
 * A file, a terminal and /dev/null take a whole `write` of each process, so workers inherit them. Into a pipe (or
 * socket) several writers' lines mix as soon as it is full, so each worker has a pipe of its own, and whole lines go
 * from there to the primary's. Nothing here blocks: a reader who stands still fills HIGH_WATER, then the pipe of a
 * worker that goes on writing, and then that worker waits.
 */
export class PrimaryOutput {
  /** Undefined: workers inherit it. */
  readonly stdout: Destination | undefined;
  readonly stderr: Destination | undefined;
  readonly format = new LogFormat();
  readonly logger: PrimaryLogger;
  private readonly pipes: PipeDestination[] = [];

  constructor(private readonly clock: Clock) {
    this.logger = new PrimaryLogger(this.format, clock);
    this.stdout = this.take(process.stdout, 1);
    // `2>&1`: both are one pipe, so what is written to both goes through one queue.
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
    // Several readings of several workers may wait for room.
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
    // Nobody reads any more: as /dev/null, so that no worker waits.
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
