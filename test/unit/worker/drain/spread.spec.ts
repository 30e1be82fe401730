import { describe, expect, it } from '@jest/globals';
import { spread } from '../../../../lib/worker/drain/spread.js';
import { ManualClock, settled } from '../../manual-clock.js';

/** When each of `count` items has its turn, in ms, spread over 2 s. */
async function turns(count: number): Promise<number[]> {
  const clock = new ManualClock();
  const at: number[] = [];
  const done = spread(Array.from({ length: count }), 2_000, clock, () => at.push(clock.now()));
  await clock.pass(10_000);
  await settled();
  await done;
  return at;
}

describe('spread over 2 s', () => {
  it('one has its turn at once, and few in even steps', async () => {
    expect(await turns(1)).toEqual([0]);
    expect(await turns(4)).toEqual([0, 500, 1_000, 1_500]);
    expect(await turns(0)).toEqual([]);
  });

  it.each([100, 999, 10_000])('%d take no longer, and no moment gets many more than its share', async (count) => {
    const at = await turns(count);
    expect(at).toHaveLength(count);
    expect(at.at(-1)).toBeLessThanOrEqual(2_000);
    const atOnce = Math.max(...at.map((time) => at.filter((other) => other === time).length).slice(0, 500));
    expect(atOnce).toBeLessThanOrEqual(Math.ceil(count / 100) + 1);
  });
});
