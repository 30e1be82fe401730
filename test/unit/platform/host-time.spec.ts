import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { hostTime, hostTimeOf, systemClock, unixTimeOf } from '../../../lib/platform/clock.js';

afterEach(() => void jest.restoreAllMocks());

describe('the time of the host', () => {
  it('is the same in another process of it, and is that of the system’s clock', () => {
    const before = hostTime();
    const script = 'console.log(Number(process.hrtime.bigint()) / 1e6)';
    const there = Number(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }));
    expect(there).toBeGreaterThan(before);
    expect(there).toBeLessThan(hostTime());
    expect(Math.abs(systemClock.now() - hostTime())).toBeLessThan(100);
  });

  it('does not move when the wall clock is set', () => {
    const before = hostTime();
    const hour = 3_600_000;
    const wall = Date.now();
    jest.spyOn(Date, 'now').mockReturnValue(wall + hour);
    expect(hostTime() - before).toBeLessThan(hour / 2);
    expect(Math.abs(unixTimeOf(hostTime()) - wall - hour)).toBeLessThan(100);
    expect(Math.abs(hostTimeOf(wall + hour + 500) - hostTime() - 500)).toBeLessThan(100);
  });
});
