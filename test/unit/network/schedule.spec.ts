import { expect, test } from '@jest/globals';
import { SETUPS } from '../../network/brokers.js';
import { kindsOf, schedule } from '../../network/schedule.js';

test('a seed gives the same faults each time, and another gives others', () => {
  expect(schedule('nats3', 10, 7)).toEqual(schedule('nats3', 10, 7));
  expect(schedule('nats3', 10, 7)).not.toEqual(schedule('nats3', 10, 8));
});

test.each(SETUPS)('over %s, faults of the network follow one another and end in time', (setup) => {
  for (let seed = 1; seed <= 50; seed++) {
    const { network, processes } = schedule(setup, 10, seed);
    for (const lane of [network, processes]) {
      let free = 0;
      for (const { at, ms } of lane) {
        expect(at).toBeGreaterThan(free);
        free = at + ms;
      }
      expect(free).toBeLessThanOrEqual(600_000);
    }
    expect(network.length).toBeGreaterThan(10);
  }
});

test.each(SETUPS)('over %s, every kind of fault comes in some seed', (setup) => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 50; seed++) {
    const { network, processes } = schedule(setup, 10, seed);
    for (const { fault } of [...network, ...processes]) seen.add(fault.kind);
  }
  expect([...seen].toSorted()).toEqual(kindsOf(setup).toSorted());
});
