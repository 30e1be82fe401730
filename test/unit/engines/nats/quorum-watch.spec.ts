import { beforeEach, describe, expect, it } from '@jest/globals';
import { KEEPS_NOTHING_AFTER, QuorumWatch } from '../../../../lib/engines/nats/quorum-watch.js';
import { ManualClock } from '../../manual-clock.js';

describe('JetStream that is there', () => {
  let clock: ManualClock;
  let keeps: () => Promise<boolean>;
  let looks: number;
  let lost: number;
  let quorum: QuorumWatch;
  beforeEach(() => {
    clock = new ManualClock();
    [looks, lost] = [0, 0];
    quorum = new QuorumWatch(
      () => {
        looks += 1;
        return keeps();
      },
      clock,
      () => (lost += 1),
    );
  });
  const ask = async (error: Error) => {
    const failing = async () => {
      throw error;
    };
    await expect(quorum.over(failing)).rejects.toBe(error);
  };
  const timeout = () => Object.assign(new Error('timeout'), { name: 'TimeoutError' });

  it('and gives no answer for as long as a new leader takes counts as lost, once', async () => {
    keeps = () => Promise.reject(timeout());
    void ask(timeout());
    await clock.pass(KEEPS_NOTHING_AFTER - 100);
    void ask(timeout());
    expect(lost).toBe(0);
    await clock.pass(200);
    expect(lost).toBe(1);
    await clock.pass(60_000);
    expect(lost).toBe(1);
  });

  it('and whose answer never comes counts as lost after the same time', async () => {
    keeps = () => new Promise(() => {});
    void ask(timeout());
    await clock.pass(KEEPS_NOTHING_AFTER + 100);
    expect([looks, lost]).toEqual([1, 1]);
  });

  it('and keeps nothing counts as lost', async () => {
    keeps = () => Promise.resolve(false);
    void ask(timeout());
    await clock.pass(KEEPS_NOTHING_AFTER + 100);
    expect(lost).toBe(1);
  });

  it('and keeps things again in time is not lost, and is looked at no more', async () => {
    keeps = () => Promise.resolve(looks > 3);
    void ask(timeout());
    await clock.pass(60_000);
    expect([looks, lost]).toEqual([4, 0]);
  });

  it('and refuses has answered', async () => {
    keeps = () => Promise.resolve(false);
    void ask(Object.assign(new Error('wrong last sequence'), { name: 'JetStreamApiError' }));
    await clock.pass(60_000);
    expect([looks, lost]).toEqual([0, 0]);
  });

  it('is judged anew over another connection', async () => {
    keeps = () => Promise.resolve(false);
    void ask(timeout());
    await clock.pass(1_000);
    quorum.reset();
    await clock.pass(60_000);
    expect(lost).toBe(0);
  });

  it('gives what it was asked for', async () => {
    await expect(quorum.over(async () => 'it')).resolves.toBe('it');
  });
});
