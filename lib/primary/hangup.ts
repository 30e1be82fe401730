import type { Clock } from '../platform/clock.js';

/** Interval at which this process checks whether its terminal is still there, in ms. */
export const LOOK_INTERVAL = 1_000;

/**
 * A SIGHUP that arrives more than this time (ms) after the terminal has gone does not come from the terminal: shells
 * pass on its SIGHUP at once, or within some seconds on an overloaded machine. A process that has survived its terminal
 * (`disown`) is a daemon by then, and a SIGHUP to it is a request of an operator.
 */
export const ECHO_TIME = 10_000;

/**
 * How long after a SIGHUP the terminal may still close, in ms: terminal emulators and shells may send the signal first.
 */
export const CLOSE_TIME = 300;

/** What a SIGHUP means. */
export type HangupMeaning = 'hang-up' | 'request';

/**
 * Distinguishes the SIGHUP of a terminal that hung up from a SIGHUP that was sent on purpose: a signal does not tell
 * where it comes from.
 */
export class HangupDetector {
  private readonly hadTerminal: boolean;
  private goneAt: number | undefined;

  constructor(
    private readonly hasTerminal: () => boolean,
    private readonly clock: Clock,
  ) {
    this.hadTerminal = hasTerminal();
  }

  /** Checks from now on whether the terminal is still there. */
  watch(): void {
    if (!this.hadTerminal) return;
    const look = () => {
      if (!this.isGone()) this.clock.after(LOOK_INTERVAL, look, false);
    };
    look();
  }

  /**
   * Resolves to the meaning of a SIGHUP that has just arrived: at once, or after CLOSE_TIME if the terminal is still
   * there.
   */
  meaning(): Promise<HangupMeaning> {
    if (!this.hadTerminal) return Promise.resolve('request');
    if (this.isGone()) return Promise.resolve(this.isEcho() ? 'hang-up' : 'request');
    return new Promise((resolve) => {
      this.clock.after(CLOSE_TIME, () => resolve(this.isGone() ? 'hang-up' : 'request'));
    });
  }

  private isGone(): boolean {
    if (this.goneAt === undefined && !this.hasTerminal()) this.goneAt = this.clock.now();
    return this.goneAt !== undefined;
  }

  private isEcho(): boolean {
    return this.clock.now() - this.goneAt! <= ECHO_TIME;
  }
}
