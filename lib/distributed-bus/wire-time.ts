import { hostTime, hostTimeOf, unixTimeOf } from '../platform/clock.js';
import type { MemberId } from '../bus/bus.interface.js';

/** A point in time as it travels between members. JSON knows no Infinity: that is null there. */
export interface WireTime {
  /** Of the monotonic clock of the host that said it. */
  readonly at: number;
  /** The primary of whoever said it: those of one primary share that clock. */
  readonly primary: MemberId;
  /** Unix time in ms, for all others. */
  readonly unix: number;
}

/**
 * Times as this member says and reads them. Between members of one primary a step of the wall clock moves none of them;
 * between hosts, and after a restart of the whole cluster, they are as far off as the hosts' wall clocks are apart.
 */
export class WireClock {
  constructor(private readonly primary: MemberId) {}

  /** @param time of this host's monotonic clock; Infinity for never */
  toWire(time: number): WireTime | null {
    if (time === Infinity) return null;
    return { at: time, primary: this.primary, unix: Math.round(unixTimeOf(time)) };
  }

  /** The same as a time of this host's monotonic clock. */
  fromWire(time: WireTime | null): number {
    if (time === null) return Infinity;
    return time.primary === this.primary ? time.at : hostTimeOf(time.unix);
  }

  isPast(time: WireTime | null): boolean {
    return this.fromWire(time) <= hostTime();
  }
}
