import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Deadline } from '../../../lib/messenger/deadline.js';
import { failureOf } from './failure-of.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const never = () => new Promise<never>(() => undefined);
const late = () => new Error('late');

describe('Deadline', () => {
  it('settles as what it bounds does and leaves no timer behind', async () => {
    const deadline = new Deadline(100);
    await expect(deadline.bound(() => Promise.resolve(1), late)).resolves.toBe(1);
    await expect(deadline.bound(() => Promise.reject(new Error('no')), late)).rejects.toThrow('no');
    await expect(
      deadline.bound(() => {
        throw new Error('sync');
      }, late),
    ).rejects.toThrow('sync');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('rejects at the deadline and cancels what was started, once', async () => {
    const deadline = new Deadline(100);
    const cancel = jest.fn();
    const bounded = deadline.bound((signal) => {
      signal.cancel = cancel;
      return never();
    }, late);
    const failure = failureOf(bounded);
    await jest.advanceTimersByTimeAsync(99);
    expect(cancel).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect((await failure).message).toContain('late');
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it('has one timer for all that it bounds', async () => {
    const deadline = new Deadline(100);
    const all = Promise.allSettled([1, 2, 3].map(() => deadline.bound(never, late)));
    expect(jest.getTimerCount()).toBe(1);
    await jest.advanceTimersByTimeAsync(100);
    expect((await all).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  });

  it('waits longer than a timer of Node can, and for ever without a timer', async () => {
    const month = 31 * 24 * 3_600_000;
    const settled = jest.fn();
    new Deadline(month).bound(never, late).catch(settled);
    await jest.advanceTimersByTimeAsync(month - 1);
    expect(settled).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect(settled).toHaveBeenCalledTimes(1);
    void new Deadline(Infinity).bound(never, late);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('abandoned, it cancels without settling', async () => {
    const deadline = new Deadline(100);
    const cancel = jest.fn();
    const settled = jest.fn();
    deadline
      .bound((signal) => {
        signal.cancel = cancel;
        return never();
      }, late)
      .then(settled, settled);
    deadline.abandon();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(cancel).toHaveBeenCalledTimes(1);
    expect(settled).not.toHaveBeenCalled();
    expect(jest.getTimerCount()).toBe(0);
  });
});
