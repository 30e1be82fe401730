import { processEvents } from '../platform/process-events.js';

/** What PM2 (`wait_ready`) and others wait for, and the app's main.ts sends by `process.send`. */
const READY = 'ready';

/** What PM2 (`shutdown_with_message`) sends instead of a signal. */
const SHUTDOWN = 'shutdown';

/** Node's own words for files that were loaded, which `node --watch` waits for. */
const LOADED_FILES = ['watch:import', 'watch:require'];

/**
 * The program that started the primary with an IPC channel, such as PM2 in its fork mode. The app's main.ts, which would
 * speak with it, runs in the workers, whose channel ends in the primary: so the primary passes on what both agree on.
 */
export class ParentProgram {
  private isAppReady = false;
  private isComplete = false;
  private told = false;

  constructor(private readonly send: ((message: string | object) => void) | undefined) {}

  /** The one that started this process; where there is none, or none with a channel, nothing is said and heard. */
  static ofThisProcess(): ParentProgram {
    // A channel that has closed meanwhile tells so by an error; nobody is left to be told then.
    return new ParentProgram(process.send && ((message) => process.send?.(message, undefined, {}, () => {})));
  }

  /** Passes on what Node itself has a worker say to `node --watch`; false where this is nothing of the kind. */
  passOn(message: unknown): boolean {
    if (typeof message !== 'object' || message === null || !LOADED_FILES.some((word) => word in message)) return false;
    this.send?.(message);
    return true;
  }

  /** A worker sent a message of the app's own. */
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

  /** Once: the parent started one process, and hears of one. An app that never says so in one process never does here. */
  private tell(): void {
    if (this.told || !this.isAppReady || !this.isComplete) return;
    this.told = true;
    this.send?.(READY);
  }
}
