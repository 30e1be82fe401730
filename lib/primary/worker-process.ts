import type { SendHandle } from 'node:child_process';
import type { Worker } from 'node:cluster';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { MemberId } from '../bus/bus.interface.js';
import { systemClock } from '../platform/clock.js';
import { seal, type FromPrimary } from '../protocol/messages.js';

/** How much of a worker's stderr is kept, in characters. */
const LAST_WORDS_LENGTH = 4_096;

/** How long the end of a dead worker's stderr is waited for, in ms. */
const LAST_WORDS_TIMEOUT = 500;

/** A worker process as seen from the primary. */
export class WorkerProcess {
  /** 0 where the process could not be started. */
  readonly pid: number;
  alive = true;
  private words = '';
  private readonly ended: Promise<void>;

  /** @param echo whether its stderr is passed on to the primary's */
  constructor(
    readonly id: number,
    readonly slot: number,
    readonly worker: Worker,
    echo: boolean,
    /** Its number among the members of all hosts. */
    readonly member: MemberId,
  ) {
    this.pid = worker.process.pid ?? 0;
    // Kept from the primary's output and read by nobody it would pile up here; listeners still get it.
    if (!echo) worker.process.stdout?.resume();
    const stderr = worker.process.stderr;
    this.ended = stderr ? this.listenTo(stderr, echo) : Promise.resolve();
  }

  /** Sends a control message, and a socket if one is given; to a closed channel nothing goes, for the exit is on its way. */
  send(message: FromPrimary, socket?: object): void {
    if (this.worker.isConnected())
      this.worker.process.send(seal(message), socket as SendHandle | undefined, {}, () => {});
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.worker.process.kill(signal);
  }

  /** The end of what it wrote to stderr, complete once the process is gone; '' where stderr is not ours. */
  async lastWords(): Promise<string> {
    let cancel = (): void => {};
    const timeout = new Promise<void>((resolve) => {
      const timer = systemClock.after(LAST_WORDS_TIMEOUT, resolve);
      cancel = () => timer.cancel();
    });
    await Promise.race([this.ended, timeout]);
    cancel();
    return this.words.trim();
  }

  private listenTo(stderr: Readable, echo: boolean): Promise<void> {
    const decoder = new StringDecoder('utf8');
    stderr.on('data', (chunk: Buffer) => {
      this.words = (this.words + decoder.write(chunk)).slice(-LAST_WORDS_LENGTH);
      if (echo) process.stderr.write(chunk);
    });
    return new Promise((resolve) => {
      stderr.once('close', resolve);
      stderr.once('error', () => resolve());
    });
  }
}
