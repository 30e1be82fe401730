import { describe, expect, it } from '@jest/globals';
import { rendezvousOrder } from '../../../../lib/primary/sockets/rendezvous.js';

const CLIENTS = Array.from({ length: 10_000 }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);

const slots = (count: number): number[] => Array.from({ length: count }, (_, slot) => slot);
const first = (client: string, among: readonly number[]): number => rendezvousOrder(client, among)[0]!;

describe('rendezvousOrder', () => {
  it('names every slot once, in the same order every time, however they are listed', () => {
    const order = rendezvousOrder('192.0.2.7', [0, 1, 2, 3]);
    expect(order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
    expect(rendezvousOrder('192.0.2.7', [3, 1, 0, 2])).toEqual(order);
  });

  it('spreads 10,000 neighbouring addresses over 8 slots within 10 % of the mean', () => {
    const counts = slots(8).map(() => 0);
    for (const client of CLIENTS) counts[first(client, slots(8))]! += 1;
    for (const count of counts) expect(Math.abs(count - 1_250)).toBeLessThan(125);
  });

  it('moves only the clients of a slot that goes, and those over all others', () => {
    const left = slots(8).filter((slot) => slot !== 3);
    const homeless = CLIENTS.filter((client) => first(client, slots(8)) === 3);
    for (const client of CLIENTS) {
      const home = first(client, slots(8));
      if (home !== 3) expect(first(client, left)).toBe(home);
    }
    expect(new Set(homeless.map((client) => first(client, left)))).toEqual(new Set(left));
  });

  it('moves 1 of 9 clients, and only to the new one, when a ninth slot comes', () => {
    const moved = CLIENTS.filter((client) => first(client, slots(9)) !== first(client, slots(8)));
    expect(moved.every((client) => first(client, slots(9)) === 8)).toBe(true);
    expect(moved.length / CLIENTS.length).toBeCloseTo(1 / 9, 1);
  });
});
