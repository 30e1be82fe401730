import { describe, expect, it } from '@jest/globals';
import { ExpectedServers } from '../../../../lib/primary/processes/expected-servers.js';

function told(...listens: [slot: number, generation: number, servers: number][]): ExpectedServers {
  const expected = new ExpectedServers();
  for (const [slot, generation, servers] of listens) expected.listens(slot, generation, servers);
  return expected;
}

describe('how many servers a new worker is expected to listen with', () => {
  it('is not known before a worker was ready', () => {
    expect(told().of(0, 1)).toBeUndefined();
  });

  it('is what the worker before it in its slot had, whoever spoke last', () => {
    const expected = told([0, 1, 0], [0, 1, 1], [1, 1, 0]);
    expect([expected.of(0, 2), expected.of(1, 2)]).toEqual([1, 0]);
  });

  it('differs where slots do: one opens a port more', () => {
    const expected = told([0, 1, 2], [1, 1, 1]);
    expect([0, 1].map((slot) => expected.of(slot, 1))).toEqual([2, 1]);
    expect([0, 1].map((slot) => expected.of(slot, 2))).toEqual([2, 1]);
  });

  it('is the fewest of the others for a slot that is new', () => {
    expect(told([0, 1, 2], [1, 1, 1]).of(2, 1)).toBe(1);
  });

  it('is lower once the new build has been ready with fewer', () => {
    expect(told([0, 1, 2], [1, 1, 2], [0, 2, 1]).of(1, 2)).toBe(1);
  });

  it('is one at least where the worker before it had one: the first of the new build may listen late', () => {
    expect(told([0, 1, 0], [1, 1, 1], [0, 2, 0]).of(1, 2)).toBe(1);
  });

  it('after a reload that failed, the old build goes by its own slots', () => {
    expect(told([0, 1, 1], [1, 1, 1], [0, 2, 0]).of(1, 1)).toBe(1);
  });
});
