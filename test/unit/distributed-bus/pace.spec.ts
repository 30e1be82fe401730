import { describe, expect, it } from '@jest/globals';
import { Pace } from '../../../lib/distributed-bus/pace.js';
import { ManualClock } from '../manual-clock.js';

const PERIOD = 20_000;
const STEP = 200;

function paced(count: number) {
  const clock = new ManualClock();
  const done: { readonly key: string; readonly at: number }[] = [];
  const pace = new Pace<number>(
    clock,
    () => PERIOD,
    STEP,
    (key) => done.push({ key, at: clock.now() }),
  );
  for (let n = 0; n < count; n++) pace.set(String(n), n);
  return { clock, done, pace };
}

describe('a pace', () => {
  it('spreads what came at one moment over a period, and does each once in it', async () => {
    const { clock, done } = paced(3_000);
    await clock.pass(PERIOD - STEP);
    expect(done).toEqual([]);
    await clock.pass(PERIOD + STEP);
    expect(new Set(done.map(({ key }) => key)).size).toBe(3_000);
    await clock.pass(PERIOD * 3);
    const perStep = new Map<number, number>();
    for (const { at } of done) perStep.set(at, (perStep.get(at) ?? 0) + 1);
    expect(Math.max(...perStep.values())).toBe((3_000 * STEP) / PERIOD);
    const times = done.filter(({ key }) => key === '2999').map(({ at }) => at);
    const gaps = times.map((at, i) => at - (times[i - 1] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(PERIOD * 2);
    expect(gaps.slice(1).every((gap) => gap >= PERIOD)).toBe(true);
  });

  it('leaves alone what was done elsewhere, and what is there no more', async () => {
    const { clock, done, pace } = paced(3);
    await clock.pass(PERIOD / 2);
    pace.done('1');
    pace.delete('2');
    pace.done('never there');
    await clock.pass(PERIOD / 2 + STEP * 2);
    expect(done.map(({ key }) => key)).toEqual(['0']);
    expect(pace.size).toBe(2);
  });

  it('keeps no timer where there is nothing, or once it is stopped', async () => {
    const { clock, pace, done } = paced(1);
    pace.delete('0');
    await clock.pass(PERIOD * 2);
    expect(clock.pending).toBe(0);
    pace.set('1', 1);
    expect(clock.pending).toBe(1);
    pace.stop();
    pace.set('2', 2);
    await clock.pass(PERIOD * 3);
    expect(clock.pending).toBe(0);
    expect(done).toEqual([]);
  });
});
