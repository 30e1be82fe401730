import { describe, expect, it } from '@jest/globals';
import { fc } from '../../../support/fast-check.js';
import { type SocketAssignment, assignSockets, type Acceptor } from '../../../../lib/primary/sockets/assign-sockets.js';

const NONE: SocketAssignment = new Map();

const seat = (id: number, slot: number, more: Partial<Acceptor> = {}): Acceptor => ({
  id,
  slot,
  serves: true,
  connections: 0,
  ...more,
});

const shown = (leases: SocketAssignment): Record<number, number[]> =>
  Object.fromEntries([...leases].map(([slot, ids]) => [slot, [...ids].sort((a, b) => a - b)]));

describe('planLeases', () => {
  it("leases every slot's socket to the slot's own worker", () => {
    expect(shown(assignSockets([0, 1], [seat(1, 0), seat(2, 1)], NONE))).toEqual({ 0: [1], 1: [2] });
  });

  it('lets the old worker and its replacement accept side by side', () => {
    expect(shown(assignSockets([0], [seat(1, 0), seat(2, 0)], NONE))).toEqual({ 0: [1, 2] });
  });

  it.each([
    ['a dead', [seat(2, 1)], { 0: [2], 1: [2] }],
    ['a silent', [seat(1, 0, { serves: false }), seat(2, 1)], { 0: [1, 2], 1: [2] }],
    ['a booting', [seat(3, 0, { serves: false }), seat(2, 1)], { 0: [2, 3], 1: [2] }],
  ])("lends %s worker's socket to one that serves", (_, seats, expected) => {
    expect(shown(assignSockets([0, 1], seats, NONE))).toEqual(expected);
  });

  it('spreads what is to be lent over those who serve', () => {
    const plan = assignSockets([0, 1, 2, 3], [seat(3, 2), seat(4, 3)], NONE);
    expect(shown(plan)).toEqual({ 0: [3], 1: [4], 2: [3], 3: [4] });
  });

  it('leaves a socket with who borrowed it', () => {
    const seats = [seat(2, 1, { connections: 9 }), seat(3, 2)];
    expect(shown(assignSockets([0, 1, 2], seats, new Map([[0, new Set([2])]])))[0]).toEqual([2]);
  });

  it('lends to nobody while nobody serves', () => {
    expect(shown(assignSockets([0, 1], [seat(1, 0, { serves: false })], NONE))).toEqual({ 0: [1], 1: [] });
  });

  it('lets the least busy worker help one that holds far more connections than the others', () => {
    const seats = [
      seat(1, 0, { connections: 160 }),
      seat(2, 1, { connections: 110 }),
      seat(3, 2, { connections: 100 }),
      seat(4, 3, { connections: 130 }),
    ];
    expect(shown(assignSockets([0, 1, 2, 3], seats, NONE))).toEqual({ 0: [1, 3], 1: [2], 2: [3], 3: [4] });
  });

  it('takes the spread of chance for what it is', () => {
    const seats = [seat(1, 0, { connections: 120 }), seat(2, 1, { connections: 100 })];
    expect(shown(assignSockets([0, 1], seats, NONE))).toEqual({ 0: [1], 1: [2] });
  });

  it('helps until the difference is small, and not only until it is less large', () => {
    const seats = [seat(1, 0, { connections: 120 }), seat(2, 1, { connections: 90 })];
    const helped: SocketAssignment = new Map([[0, new Set([1, 2])]]);
    expect(shown(assignSockets([0, 1], seats, helped))[0]).toEqual([1, 2]);
    const even = [seat(1, 0, { connections: 110 }), seat(2, 1, { connections: 100 })];
    expect(shown(assignSockets([0, 1], even, helped))[0]).toEqual([1]);
  });

  it('has another one help where the helper has become busy itself', () => {
    const seats = [seat(1, 0, { connections: 117 }), seat(2, 1, { connections: 102 }), seat(3, 2, { connections: 81 })];
    const helped: SocketAssignment = new Map([[0, new Set([1, 2])]]);
    expect(shown(assignSockets([0, 1, 2], seats, helped))).toEqual({ 0: [1, 3], 1: [2], 2: [3] });
  });

  it('takes two workers of one slot for what they are, and not for one that helps the other', () => {
    const seats = [seat(1, 0, { connections: 48 }), seat(2, 0, { connections: 48 }), seat(3, 1, { connections: 12 })];
    const both: SocketAssignment = new Map([[0, new Set([1, 2])]]);
    expect(shown(assignSockets([0, 1], seats, both))).toEqual({ 0: [1, 2], 1: [3] });
  });

  it('leaves no socket alone while anybody serves, gives nobody a socket twice, and is at rest with its own plan', () => {
    const seats = fc.uniqueArray(
      fc.record({
        id: fc.integer({ min: 1, max: 40 }),
        slot: fc.integer({ min: 0, max: 9 }),
        serves: fc.boolean(),
        connections: fc.integer({ min: 0, max: 300 }),
      }),
      { selector: ({ id }) => id, maxLength: 20 },
    );
    fc.assert(
      fc.property(seats, fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 1 }), (workers, slots) => {
        const plan = assignSockets(slots, workers, NONE);
        expect([...plan.keys()]).toEqual(slots);
        for (const [slot, ids] of plan) {
          const own = workers.filter((worker) => worker.slot === slot);
          for (const { id } of own) expect(ids).toContain(id);
          expect(ids.size).toBeLessThanOrEqual(own.length + 1);
          if (workers.some(({ serves }) => serves)) {
            expect(workers.some(({ id, serves }) => serves && ids.has(id))).toBe(true);
          }
        }
        const settled = assignSockets(slots, workers, plan);
        expect(shown(assignSockets(slots, workers, settled))).toEqual(shown(settled));
      }),
    );
  });
});
