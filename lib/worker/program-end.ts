import type { Clock } from '../platform/clock.js';
import { processEvents } from '../platform/process-events.js';

/**
 * Interval at which this process checks, in ms, whether it still waits for a call of this package, if nothing else is
 * left.
 */
const LOOK_INTERVAL = 50;

/** An open connection to the primary, which can keep this process running. */
export interface Line {
  ref(): void;
  unref(): void;
}

/**
 * Lets the main script of this worker end as it would in a single process: when nothing is left to do. It may be a
 * script that creates an application only to write a file or to move data, and may not close it. So the connections to
 * the primary do not keep the process running until there is an application that needs them.
 */
export class ProgramEnd {
  private takeBack: (() => void) | undefined;

  /**
   * @param lines the connections to the primary
   * @param isWaiting whether this package waits for something that does not keep Node running, such as the answer to a
   *   call
   */
  constructor(
    private readonly lines: readonly Line[],
    private readonly isWaiting: () => boolean,
    private readonly clock: Clock,
  ) {}

  /** From now on, the process ends if only the connections to the primary are left. */
  allow(): void {
    for (const line of this.lines) line.unref();
    this.takeBack ??= processEvents.onNothingLeft(() => {
      if (this.isWaiting()) this.clock.after(LOOK_INTERVAL, () => {});
    });
  }

  /** From now on, the process runs as long as these connections are open, as a server does. */
  prevent(): void {
    for (const line of this.lines) line.ref();
    this.takeBack?.();
    this.takeBack = undefined;
  }
}
