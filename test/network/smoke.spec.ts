import { expect, test } from '@jest/globals';
import { describeOn } from './in-namespaces.js';
import { judgeUnder } from './judge-under.js';

/** Only what cannot fail for the machine's speed: nothing lost, doubled or out of order. `faults.spec.ts` judges the rest. */
const JUDGING = { timed: false };

describeOn('nats')('a host is cut off from NATS for 5 s', () => {
  test('nothing that was accepted is lost or done twice, and its HTTP is answered', async () => {
    const fault = { kind: 'cut', host: 'b', brokers: ['n1'], way: 'both' } as const;
    const { violations, counts } = await judgeUnder('nats', [{ fault, ms: 5_000 }], JUDGING);
    expect(violations).toEqual([]);
    expect(counts).toMatchObject({ faults: 1, 'task ok': expect.any(Number), 'once ok': expect.any(Number) });
  });
});

describeOn('redis')('Redis freezes for 5 s', () => {
  test('nothing that was accepted is lost or done twice, and HTTP is answered', async () => {
    const fault = { kind: 'freeze-broker', broker: 'n1' } as const;
    const { violations, counts } = await judgeUnder('redis', [{ fault, ms: 5_000 }], JUDGING);
    expect(violations).toEqual([]);
    expect(counts).toMatchObject({ faults: 1, 'task ok': expect.any(Number), 'once ok': expect.any(Number) });
  });
});
