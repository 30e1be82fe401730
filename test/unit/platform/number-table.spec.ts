import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';
import { NumberTable } from '../../../lib/platform/number-table.js';

const LAST = 2 ** 32 - 1;

/** Numbers that come near each other, collide by their low bits, or are anywhere. */
const keys = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 200 }).map((i) => i * 2 ** 24),
  fc.integer({ min: 0, max: LAST }),
);

describe('NumberTable', () => {
  it('keeps 0 and the largest number apart from what is not there', () => {
    const table = new NumberTable<string>();
    expect(table.get(0)).toBeUndefined();
    table.set(0, 'zero');
    table.set(LAST, 'last');
    expect([table.get(0), table.get(LAST), table.has(1), table.size]).toEqual(['zero', 'last', false, 2]);
    expect(table.take(0)).toBe('zero');
    expect(table.take(0)).toBeUndefined();
    expect(table.entries()).toEqual([[LAST, 'last']]);
  });

  it('does what a Map does', () => {
    const steps = fc.array(fc.record({ key: keys, isTaken: fc.boolean() }), { maxLength: 1_000, size: 'max' });
    fc.assert(
      fc.property(steps, (all) => {
        const table = new NumberTable<number>();
        const map = new Map<number, number>();
        for (const [i, { key, isTaken }] of all.entries()) {
          if (isTaken) {
            expect(table.take(key)).toBe(map.get(key));
            map.delete(key);
          } else {
            table.set(key, i);
            map.set(key, i);
          }
          expect(table.size).toBe(map.size);
        }
        expect(table.entries()).toEqual([...map].sort(([a], [b]) => a - b));
      }),
      { numRuns: 200 },
    );
  });

  it('holds many at a time, and none of them afterwards', () => {
    const table = new NumberTable<number>();
    for (let i = 0; i < 100_000; i++) table.set(i, i);
    for (let i = 0; i < 100_000; i++) expect(table.take(i)).toBe(i);
    expect([table.size, table.entries()]).toEqual([0, []]);
  });
});
