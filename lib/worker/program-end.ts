import type { Clock } from '../platform/clock.js';
import { processEvents } from '../platform/process-events.js';

/** Where a call of ours is all that the program waits for, its end is looked for so often, in ms. */
const LOOK_INTERVAL = 50;

/** What an open line to the primary does: it keeps this process running, or does not. */
export interface Line {
  ref(): void;
  unref(): void;
}

/**
 * Lets the main script of this worker end as it would alone: when nothing is left to do. It may be no application but a
 * script that makes one to write a file or to move data, and closes it or does not. So the lines to the primary do not
 * keep the process running before there is an application that they are for.
 */
export class ProgramEnd {
  private takeBack: (() => void) | undefined;

  /**
   * @param lines those to the primary
   * @param isWaiting whether something else of ours is waited for that Node does not see, such as the answer to a call
   */
  constructor(
    private readonly lines: readonly Line[],
    private readonly isWaiting: () => boolean,
    private readonly clock: Clock,
  ) {}

  /** From now on the process ends where nothing but our lines is left. */
  allow(): void {
    for (const line of this.lines) line.unref();
    this.takeBack ??= processEvents.onNothingLeft(() => {
      if (this.isWaiting()) this.clock.after(LOOK_INTERVAL, () => {});
    });
  }

  /** From now on it runs for as long as the lines are open, as a server does. */
  prevent(): void {
    for (const line of this.lines) line.ref();
    this.takeBack?.();
    this.takeBack = undefined;
  }
}
