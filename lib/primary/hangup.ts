import type { Clock } from '../platform/clock.js';

/** How often it is looked whether the terminal is still there, in ms. */
export const LOOK_INTERVAL = 1_000;

/**
 * A SIGHUP this long (ms) after the terminal was seen to be gone is not the terminal's any more: shells pass theirs on
 * at once, or in some seconds on a machine that is overloaded. A process that survived its terminal (`disown`) is a daemon then, to which SIGHUP is an operator's word.
 */
export const ECHO_TIME = 10_000;

/** Terminal emulators and shells may send SIGHUP first and close the terminal within this time, in ms. */
export const CLOSE_TIME = 300;

/** What a SIGHUP means. */
export type HangupMeaning = 'hang-up' | 'request';

/** Tells the SIGHUP of a terminal that hung up from one that somebody sent: a signal does not say where it is from. */
export class HangupDetector {
  private readonly hadTerminal: boolean;
  private goneAt: number | undefined;

  constructor(
    private readonly hasTerminal: () => boolean,
    private readonly clock: Clock,
  ) {
    this.hadTerminal = hasTerminal();
  }

  /** Looks from now on whether the terminal is there. */
  watch(): void {
    if (!this.hadTerminal) return;
    const look = () => {
      if (!this.isGone()) this.clock.after(LOOK_INTERVAL, look, false);
    };
    look();
  }

  /** A SIGHUP came in: says what it means, at once or, where the terminal is still there, a moment later. */
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
