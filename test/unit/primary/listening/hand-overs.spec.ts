import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Choice, HandOvers, type Visitor } from '../../../../lib/primary/listening/hand-overs.js';
import type { Clock } from '../../../../lib/platform/clock.js';

const KEY = '::80';

let choice: Choice;
let handed: { worker: number; seq: number; head?: string }[];
let closed: string[];
let time: number;
let handOvers: HandOvers<Visitor>;

/** Time passes as soon as somebody waits for it. */
const clock: Clock = {
  now: () => time,
  after(delay, callback) {
    setImmediate(() => {
      time += delay;
      callback();
    });
    return { cancel: () => {} };
  },
};

function visitor(name: string, head?: string): Visitor {
  const connection = { close: () => void closed.push(name) };
  return head === undefined ? { key: KEY, connection } : { key: KEY, connection, head };
}

beforeEach(() => {
  choice = 1;
  handed = [];
  closed = [];
  time = 0;
  handOvers = new HandOvers(
    (worker, { seq, head }) => void handed.push(head === undefined ? { worker, seq } : { worker, seq, head }),
    () => choice,
  );
});

describe('HandOvers', () => {
  it('gives a connection to the chosen worker, with what was read from it, and lets go once it is taken', () => {
    handOvers.offer(visitor('a', 'R0VU'));
    expect(handed).toEqual([{ worker: 1, seq: 1, head: 'R0VU' }]);
    expect(closed).toEqual([]);
    handOvers.taken(1, true);
    expect(closed).toEqual(['a']);
  });

  it('gives one that comes back to another worker', () => {
    handOvers.offer(visitor('a'));
    choice = 2;
    handOvers.taken(1, false);
    expect(handed).toEqual([
      { worker: 1, seq: 1 },
      { worker: 2, seq: 2 },
    ]);
    expect(closed).toEqual([]);
  });

  it('gives those of a worker that is gone to another, and leaves alone what others have', () => {
    handOvers.offer(visitor('a'));
    choice = 2;
    handOvers.offer(visitor('b'));
    handOvers.gone(1);
    expect(handed.map(({ worker }) => worker)).toEqual([1, 2, 2]);
  });

  it('keeps whoever comes while nobody takes any', () => {
    choice = 'later';
    handOvers.offer(visitor('a'));
    handOvers.retry();
    expect(handed).toEqual([]);
    choice = 3;
    handOvers.retry();
    expect(handed).toEqual([{ worker: 3, seq: 1 }]);
  });

  it('lets go of those whose address was given up, waiting ones and ones that come back too', () => {
    handOvers.offer(visitor('came back'));
    choice = 'later';
    handOvers.offer(visitor('waited'));
    choice = 'never';
    handOvers.retry();
    handOvers.taken(1, false);
    handOvers.offer(visitor('late'));
    expect(closed).toEqual(['waited', 'came back', 'late']);
  });

  it('hears a word twice and about nobody without harm', () => {
    handOvers.offer(visitor('a'));
    for (const seq of [1, 1, 7]) handOvers.taken(seq, true);
    expect(closed).toEqual(['a']);
  });

  it('is empty when all are taken, and lets go of whoever still waits', async () => {
    handOvers.offer(visitor('a'));
    choice = 'later';
    handOvers.offer(visitor('b'));
    const emptied = handOvers.emptied(clock);
    handOvers.taken(1, true);
    await emptied;
    expect(closed).toEqual(['a', 'b']);
    expect(time).toBeLessThan(500);
  });

  it('is waited for for 500 ms at most', async () => {
    handOvers.offer(visitor('a'));
    await handOvers.emptied(clock);
    expect(time).toBe(500);
  });
});
