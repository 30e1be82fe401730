import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Deadline } from '../../../lib/messenger/deadline.js';
import { failureOf } from './failure-of.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const never = () => undefined;
const late = () => new Error('late');

describe('Deadline', () => {
  it('settles as what it bounds does and leaves no timer behind', async () => {
    const deadline = new Deadline(100);
    await expect(deadline.bound((part) => part.resolve(1), late)).resolves.toBe(1);
    await expect(deadline.bound((part) => part.reject(new Error('no')), late)).rejects.toThrow('no');
    await expect(
      deadline.bound(() => {
        throw new Error('sync');
      }, late),
    ).rejects.toThrow('sync');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('gives what is read from the value, or why that cannot be read', async () => {
    const deadline = new Deadline(100);
    const twice = (value: number) => value * 2;
    await expect(deadline.bound<number, number>((part) => part.resolve(2), late, twice)).resolves.toBe(4);
    const unreadable = () => {
      throw new Error('unreadable');
    };
    await expect(deadline.bound((part) => part.resolve(2), late, unreadable)).rejects.toThrow('unreadable');
  });

  it('ignores what comes after it has settled', async () => {
    const deadline = new Deadline(100);
    const bounded = deadline.bound<number>((part) => {
      part.resolve(1);
      part.resolve(2);
      part.reject(new Error('too late'));
    }, late);
    await expect(bounded).resolves.toBe(1);
  });

  it('follows a promise', async () => {
    const deadline = new Deadline(100);
    await expect(deadline.bound((part) => part.follow(Promise.resolve(1)), late)).resolves.toBe(1);
    await expect(deadline.bound((part) => part.follow(Promise.reject(new Error('no'))), late)).rejects.toThrow('no');
  });

  it('aborted, all that it bounds rejects with the reason and is cancelled', async () => {
    const deadline = new Deadline(100);
    const cancel = jest.fn();
    const failures = [1, 2].map(() => failureOf(deadline.bound((part) => (part.cancel = cancel), late)));
    deadline.abort(new Error('given up'));
    for (const { message } of await Promise.all(failures)) expect(message).toBe('given up');
    expect(cancel).toHaveBeenCalledTimes(2);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('rejects at the deadline and cancels what was started, once', async () => {
    const deadline = new Deadline(100);
    const cancel = jest.fn();
    const bounded = deadline.bound((part) => (part.cancel = cancel), late);
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
    deadline.bound((part) => (part.cancel = cancel), late).then(settled, settled);
    deadline.abandon();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(cancel).toHaveBeenCalledTimes(1);
    expect(settled).not.toHaveBeenCalled();
    expect(jest.getTimerCount()).toBe(0);
  });
});
