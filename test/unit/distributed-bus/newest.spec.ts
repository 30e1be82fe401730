import { describe, expect, it } from '@jest/globals';
import { Newest } from '../../../lib/distributed-bus/newest.js';
import { MOST_MEMBERS } from '../../../lib/distributed-bus/membership.js';

describe('what is newer than all that was heard of its sender', () => {
  it('is each message that was sent later, over a gap too; none that was sent before, and none twice', () => {
    const newest = new Newest();
    expect([1, 2, 5, 4, 5, 3, 6].map((number) => newest.isNewer(7, number))).toEqual(
      [1, 1, 1, 0, 0, 0, 1].map(Boolean),
    );
  });

  it('is counted for each sender', () => {
    const newest = new Newest();
    newest.isNewer(1, 9);
    expect(newest.isNewer(2, 1)).toBe(true);
  });

  it('goes on when the numbers are used up', () => {
    const newest = new Newest();
    const numbers = [0xffff_fffe, 0xffff_ffff, 0, 0xffff_ffff, 1];
    expect(numbers.map((number) => newest.isNewer(1, number))).toEqual([true, true, true, false, true]);
  });

  it('is kept of so many senders only', () => {
    const newest = new Newest();
    for (let sender = 0; sender <= MOST_MEMBERS; sender++) newest.isNewer(sender, 5);
    expect(newest.isNewer(0, 1)).toBe(true);
    expect(newest.isNewer(MOST_MEMBERS, 1)).toBe(false);
  });
});
