import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { WireClock } from '../../../lib/distributed-bus/wire-time.js';
import { hostTime } from '../../../lib/platform/clock.js';

afterEach(() => void jest.restoreAllMocks());

const HOUR = 3_600_000;
const [ours, sibling, other] = [new WireClock(1), new WireClock(1), new WireClock(2)];
const travelled = (from: WireClock, time: number) => JSON.parse(JSON.stringify(from.toWire(time))) as never;
const stepWallClock = (by: number) => {
  const wall = Date.now();
  jest.spyOn(Date, 'now').mockReturnValue(wall + by);
};

describe('a time on its way between members', () => {
  it('is the same for those of one primary, though the wall clock is set meanwhile', () => {
    const time = hostTime() + 1_000;
    const onWire = travelled(ours, time);
    stepWallClock(HOUR);
    expect(sibling.fromWire(onWire)).toBe(time);
    expect(sibling.isPast(onWire)).toBe(false);
  });

  it('is a wall-clock time for those of another', () => {
    const time = hostTime() + 1_000;
    const onWire = travelled(ours, time);
    expect(Math.abs(other.fromWire(onWire) - time)).toBeLessThan(100);
    stepWallClock(HOUR);
    expect(other.isPast(onWire)).toBe(true);
  });

  it('may be never', () => {
    const onWire = travelled(ours, Infinity);
    expect(onWire).toBeNull();
    expect([sibling.fromWire(onWire), other.isPast(onWire)]).toEqual([Infinity, false]);
  });
});
