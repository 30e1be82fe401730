import { hostTime, hostTimeOf, unixTimeOf } from '../platform/clock.js';
import type { MemberId } from '../bus/bus.interface.js';

/** A point in time in a message between members. JSON has no Infinity, so null stands for it. */
export interface WireTime {
  /** The time by the monotonic clock of the host that sent it. */
  readonly at: number;
  /** The primary of the member that sent it: members of one primary share that clock. */
  readonly primary: MemberId;
  /** The same as Unix time in ms, for all other members. */
  readonly unix: number;
}

/**
 * Converts this member's times for messages, and back. Between members of one primary, a step of the wall clock changes
 * none of them. Between hosts, and after a restart of the whole cluster, they are off by as much as the wall clocks
 * differ.
 */
export class WireClock {
  constructor(private readonly primary: MemberId) {}

  /** @param time of this host's monotonic clock; Infinity for never */
  toWire(time: number): WireTime | null {
    if (time === Infinity) return null;
    return { at: time, primary: this.primary, unix: Math.round(unixTimeOf(time)) };
  }

  /** Returns the time by this host's monotonic clock. */
  fromWire(time: WireTime | null): number {
    if (time === null) return Infinity;
    return time.primary === this.primary ? time.at : hostTimeOf(time.unix);
  }

  isPast(time: WireTime | null): boolean {
    return this.fromWire(time) <= hostTime();
  }
}
