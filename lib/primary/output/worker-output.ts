import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '../../platform/clock.js';
import type { LogFormat } from './log-format.js';
import type { Destination } from './primary-output.js';
import { WholeLines } from './whole-lines.js';

/** How much of a worker's stderr is kept, in characters. */
const TAIL_LENGTH = 4_096;

/** Interval at which a worker's output is read, in ms. Reading each line on its own costs more than writing it. */
const READ_INTERVAL = 5;

/**
 * If at least this many bytes were read at once, the worker is about to fill its pipe, and reading continues at once.
 */
const LARGE_READ = 16_384;

/** Passes on what one worker writes to one stream, line by line, as fast as the destination takes it. */
export class WorkerStream {
  /** Resolves when the worker's end is closed and everything was passed on. */
  readonly ended: Promise<void>;
  /** Bytes read so far. */
  count = 0;
  private readonly decoder = new StringDecoder('utf8');
  private readonly lines = new WholeLines();
  private kept = '';

  /** @param destination undefined: the output is read and discarded */
  constructor(
    private readonly source: Readable,
    private readonly destination: Destination | undefined,
    private readonly clock: Clock,
    private readonly format: LogFormat,
  ) {
    source.on('data', (chunk: Buffer) => this.read(chunk));
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.pass(this.lines.end());
        resolve();
      };
      source.once('close', end);
      source.once('error', end);
    });
  }

  /** The end of what was written. */
  get tail(): string {
    return this.kept.trim();
  }

  private read(chunk: Buffer): void {
    this.kept = (this.kept + this.decoder.write(chunk.subarray(-TAIL_LENGTH * 4))).slice(-TAIL_LENGTH);
    this.count += chunk.length;
    this.pass(this.lines.push(chunk));
    if (this.destination?.isFull) {
      this.source.pause();
      this.destination.room(() => this.source.resume());
    } else if (chunk.length < LARGE_READ) {
      this.source.pause();
      this.clock.after(READ_INTERVAL, () => this.source.resume(), false);
    }
  }

  private pass(lines: Buffer | undefined): void {
    if (lines === undefined || this.destination === undefined) return;
    this.format.seen(lines);
    this.destination.write(lines);
  }
}

/** Both streams of one worker, as far as they pass through the primary. */
export class WorkerOutput {
  /** Resolves when the worker's ends are closed and everything was passed on. */
  readonly ended: Promise<unknown>;

  constructor(
    private readonly stdout: WorkerStream | undefined,
    private readonly stderr: WorkerStream | undefined,
  ) {
    this.ended = Promise.all([stdout?.ended, stderr?.ended]);
  }

  /** The end of what it wrote to stderr; '' if that does not pass through the primary. */
  get tail(): string {
    return this.stderr?.tail ?? '';
  }

  /** Bytes read so far. */
  get count(): number {
    return (this.stdout?.count ?? 0) + (this.stderr?.count ?? 0);
  }
}
