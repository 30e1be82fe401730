import type { SendHandle } from 'node:child_process';
import type { Worker } from 'node:cluster';
import type { MemberId } from '../../bus/bus.interface.js';
import { systemClock } from '../../platform/clock.js';
import { seal, type FromPrimary } from '../../protocol/messages.js';
import type { WorkerOutput } from '../output/worker-output.js';

/** How long the primary waits for the end of a dead worker's stderr, in ms. */
const LAST_WORDS_TIMEOUT = 500;

/** A worker process as seen from the primary. */
export class WorkerHandle {
  readonly pid: number;
  /** Its id in node:cluster. */
  readonly clusterId: number;
  /** Its last heartbeat that was answered. */
  answered = 0;
  /** Whether it has sent a message that this version of the package understands, so it runs this version. */
  isUnderstood = false;
  /** The end of its stderr, once it is dead. */
  private words: Promise<string> | undefined;

  constructor(
    readonly id: number,
    readonly slot: number,
    readonly generation: number,
    /** Undefined once the process has ended, because it holds connections, pipes and their buffers. */
    public worker: Worker | undefined,
    private output: WorkerOutput | undefined,
    /** Its number among the members of all hosts. */
    readonly member: MemberId,
    /** The key by which primary and worker recognise each other's control messages. */
    readonly key: string,
  ) {
    this.pid = worker!.process.pid ?? 0;
    this.clusterId = worker!.id;
  }

  get alive(): boolean {
    return this.worker !== undefined;
  }

  /** The process has ended: only its pid and the end of its stderr are kept. */
  forget(): void {
    this.worker = undefined;
    void this.stderrTail();
  }

  /**
   * Sends a control message, and a socket if one is given. If the channel is closed, it sends nothing: the exit will
   * follow.
   */
  send(message: FromPrimary, socket?: object): void {
    if (message.type === 'lease') this.answered = message.seq;
    if (this.worker?.isConnected())
      this.worker.process.send(seal(message, this.key), socket as SendHandle | undefined, {}, () => {});
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.worker?.process.kill(signal);
  }

  /**
   * The end of what it wrote to stderr, complete once the process is gone; '' if its stderr does not pass through here.
   */
  stderrTail(): Promise<string> {
    if (this.alive) return this.readStderrTail();
    this.words ??= this.readStderrTail().finally(() => (this.output = undefined));
    return this.words;
  }

  private async readStderrTail(): Promise<string> {
    const { output } = this;
    let cancel = (): void => {};
    const timeout = new Promise<void>((resolve) => {
      const timer = systemClock.after(LAST_WORDS_TIMEOUT, resolve);
      cancel = () => timer.cancel();
    });
    await Promise.race([output?.ended, timeout]);
    cancel();
    return output?.tail ?? '';
  }
}
