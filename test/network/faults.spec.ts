import { expect, test } from '@jest/globals';
import { SETUPS } from './brokers.js';
import { describeOn } from './in-namespaces.js';
import { judgeUnder } from './judge-under.js';
import { kindsOf, makeFault, Random } from './schedule.js';

/** How long faults last, in ms: one is shorter than a lease and one is longer; both are longer than a member's silence. */
const LASTS = [5_000, 14_000];

for (const setup of SETUPS) {
  describeOn(setup)(`under load over ${setup}`, () => {
    test('each kind of fault, one after the other, breaks no promise', async () => {
      const random = new Random(1);
      const steps = kindsOf(setup).map((kind, index) => ({
        fault: makeFault(kind, setup, random),
        ms: LASTS[index % LASTS.length]!,
      }));
      const { violations } = await judgeUnder(setup, steps, { timed: true });
      expect(violations).toEqual([]);
    });
  });
}
