import { processEvents } from '../platform/process-events.js';

/** The message that PM2 (`wait_ready`) and other programs wait for. The app's main.ts sends it by `process.send`. */
const READY = 'ready';

/** The message that PM2 (`shutdown_with_message`) sends instead of a signal. */
const SHUTDOWN = 'shutdown';

/** The keys of Node's own messages about loaded files, which `node --watch` waits for. */
const LOADED_FILES = ['watch:import', 'watch:require'];

/**
 * The program that started the primary with an IPC channel, such as PM2 in its fork mode. The app's main.ts would talk
 * to this program, but it runs in the workers, whose channels end in the primary. So the primary passes on the messages
 * that the program and the app expect.
 */
export class ParentProgram {
  private isAppReady = false;
  private isComplete = false;
  private told = false;

  constructor(private readonly send: ((message: string | object) => void) | undefined) {}

  /** The program that started this process. If there is none, or it has no channel, nothing is sent or received. */
  static ofThisProcess(): ParentProgram {
    // If the channel has closed meanwhile, this gives an error, and there is no program left to tell.
    return new ParentProgram(process.send && ((message) => process.send?.(message, undefined, {}, () => {})));
  }

  /**
   * Passes on a message that Node itself sends from a worker to `node --watch`; returns false if this is another
   * message.
   */
  passOn(message: unknown): boolean {
    if (typeof message !== 'object' || message === null || !LOADED_FILES.some((word) => word in message)) return false;
    this.send?.(message);
    return true;
  }

  /** A worker has sent a message of the app. */
  workerSaid(message: unknown): void {
    if (message !== READY) return;
    this.isAppReady = true;
    this.tell();
  }

  /** Every slot has a ready worker. */
  complete(): void {
    this.isComplete = true;
    this.tell();
  }

  /** Calls `stop` once, when the parent asks for the end. */
  onShutdown(stop: () => void): void {
    if (!this.send) return;
    const unsubscribe = processEvents.onMessage((message) => {
      if (message !== SHUTDOWN) return;
      unsubscribe();
      stop();
    });
  }

  /**
   * Tells the parent once that the app is ready, because it has started a single process. It is never told if the app
   * does not send this message itself.
   */
  private tell(): void {
    if (this.told || !this.isAppReady || !this.isComplete) return;
    this.told = true;
    this.send?.(READY);
  }
}
