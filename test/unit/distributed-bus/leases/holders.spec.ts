import { describe, expect, test } from '@jest/globals';
import { Holders } from '../../../../lib/distributed-bus/leases/holders.js';
import { ManualClock } from '../../manual-clock.js';

function holders({ members = [1, 2], isUnsettled = false }: { members?: number[]; isUnsettled?: boolean } = {}) {
  const clock = new ManualClock();
  const presence = { isUnsettled, settlingTime: 5_000, whoMayRun: () => new Set(members) };
  const asked: string[] = [];
  const found: { answer?: boolean } = {};
  const made = new Holders(clock, presence, (key) => asked.push(key));
  void made.isHeld('k').then((answer) => (found.answer = answer));
  return { clock, presence, members, asked, found, holders: made };
}

describe('whether a member runs under a claim', () => {
  test('one says that it does', async () => {
    const { clock, found, holders: all } = holders();
    all.answered('k', 1, false);
    all.answered('k', 2, true);
    await clock.pass(0);
    expect(found.answer).toBe(true);
  });

  test('all say that they do not', async () => {
    const { clock, found, holders: all } = holders();
    all.answered('k', 1, false);
    all.answered('k', 2, false);
    await clock.pass(0);
    expect(found.answer).toBe(false);
  });

  test('one that is slow to answer is asked again, and heard', async () => {
    const { clock, asked, found, holders: all } = holders();
    all.answered('k', 1, false);
    await clock.pass(3_500);
    expect(found.answer).toBeUndefined();
    expect(asked).toHaveLength(4);
    all.answered('k', 2, true);
    await clock.pass(0);
    expect(found.answer).toBe(true);
  });

  test('one that is no member any more is not waited for', async () => {
    const { clock, members, found, holders: all } = holders();
    await clock.pass(1_000);
    members.pop();
    await clock.pass(1_000);
    all.answered('k', 1, false);
    await clock.pass(0);
    expect(found.answer).toBe(false);
  });

  test('one that never answers does not, after five times', async () => {
    const { clock, found } = holders();
    await clock.pass(4_999);
    expect(found.answer).toBeUndefined();
    await clock.pass(1);
    expect(found.answer).toBe(false);
  });

  test('but while the broker was away a moment ago it is asked on', async () => {
    const { clock, presence, found } = holders({ isUnsettled: true });
    await clock.pass(20_000);
    expect(found.answer).toBeUndefined();
    presence.isUnsettled = false;
    await clock.pass(1_000);
    expect(found.answer).toBe(false);
  });
});
