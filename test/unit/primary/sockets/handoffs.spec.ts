import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Choice, Handoffs } from '../../../../lib/primary/sockets/handoffs.js';
import type { AcceptedConnection } from '../../../../lib/primary/sockets/accepted-connection.js';
import { ManualClock } from '../../manual-clock.js';

const KEY = '::80';

let choice: Choice;
let handed: { worker: number; seq: number; head?: string }[];
let closed: string[];
let answered: number;
let clock: ManualClock;
let handOvers: Handoffs<AcceptedConnection>;

function visitor(name: string, head?: string): AcceptedConnection {
  const connection = { close: () => void closed.push(name) };
  return head === undefined ? { key: KEY, handle: connection } : { key: KEY, handle: connection, head };
}

beforeEach(() => {
  choice = 1;
  handed = [];
  closed = [];
  answered = 0;
  clock = new ManualClock();
  handOvers = new Handoffs(
    (worker, { seq, head }) => {
      handed.push(head === undefined ? { worker, seq } : { worker, seq, head });
      return answered;
    },
    () => choice,
    clock,
    // Nothing comes of connections that are none.
    () => () => {},
  );
});

describe('HandOvers', () => {
  it('gives a connection to the chosen worker, with what was read from it, and lets go once it is taken', () => {
    handOvers.offer(visitor('a', 'R0VU'));
    expect(handed).toEqual([{ worker: 1, seq: 1, head: 'R0VU' }]);
    expect(closed).toEqual([]);
    handOvers.ack(1, true);
    expect(closed).toEqual(['a']);
  });

  it('gives one that comes back to another worker', () => {
    handOvers.offer(visitor('a'));
    choice = 2;
    handOvers.ack(1, false);
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

  it('gives those again that a worker did not take though it has read what it was sent later', () => {
    answered = 7;
    handOvers.offer(visitor('before the 8th answer'));
    answered = 8;
    handOvers.offer(visitor('after it'));
    choice = 2;
    handOvers.read(1, 7);
    handOvers.read(2, 9);
    expect(handed).toHaveLength(2);
    handOvers.read(1, 8);
    expect(handed.slice(2)).toEqual([{ worker: 2, seq: 3 }]);
    handOvers.ack(3, true);
    expect(closed).toEqual(['before the 8th answer']);
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
    handOvers.ack(1, false);
    handOvers.offer(visitor('late'));
    expect(closed).toEqual(['waited', 'came back', 'late']);
  });

  it('hears a word twice and about nobody without harm', () => {
    handOvers.offer(visitor('a'));
    for (const seq of [1, 1, 7]) handOvers.ack(seq, true);
    expect(closed).toEqual(['a']);
  });

  it('is empty when all are taken, and lets go of whoever still waits', async () => {
    handOvers.offer(visitor('a'));
    choice = 'later';
    handOvers.offer(visitor('b'));
    const emptied = handOvers.emptied();
    handOvers.ack(1, true);
    await clock.pass(499);
    await emptied;
    expect(closed).toEqual(['a', 'b']);
  });

  it('is waited for for 500 ms at most', async () => {
    handOvers.offer(visitor('a'));
    let isOver = false;
    void handOvers.emptied().then(() => (isOver = true));
    await clock.pass(499);
    expect(isOver).toBe(false);
    await clock.pass(1);
    expect(isOver).toBe(true);
  });

  it('keeps nobody for longer than 30 s, however often it looks', async () => {
    choice = 'later';
    handOvers.offer(visitor('a'));
    await clock.pass(29_999);
    handOvers.retry();
    expect(closed).toEqual([]);
    await clock.pass(1);
    expect(closed).toEqual(['a']);
  });

  it('keeps 1,024 at most, and closes whoever comes then', async () => {
    choice = 'later';
    for (let n = 0; n < 1_025; n += 1) handOvers.offer(visitor(String(n)));
    expect(closed).toEqual(['1024']);
    choice = 1;
    handOvers.retry();
    expect(handed).toHaveLength(1_024);
    await clock.pass(60_000);
    expect(closed).toEqual(['1024']);
  });
});
