import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ClusterTimeoutError } from '../../../lib/errors/errors.js';
import { ClusterEventContext, contextOf } from '../../../lib/events/cluster-event-context.js';
import { hostTime } from '../../../lib/platform/clock.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const context = (deadline: number) => new ClusterEventContext('e', '1', 0, 1, deadline);

describe('the signal of a context', () => {
  it('aborts at the deadline with a ClusterTimeoutError', () => {
    const { signal } = context(hostTime() + 50);
    jest.advanceTimersByTime(49);
    expect(signal.aborted).toBe(false);
    jest.advanceTimersByTime(1);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBeInstanceOf(ClusterTimeoutError);
  });

  it('is the same at each reading, and costs no timer unread or without a deadline', () => {
    const bounded = context(hostTime() + 50);
    expect(jest.getTimerCount()).toBe(0);
    expect(bounded.signal).toBe(bounded.signal);
    expect(jest.getTimerCount()).toBe(1);
    void context(Infinity).signal;
    expect(jest.getTimerCount()).toBe(1);
  });

  it('is aborted from the start when it is read after the deadline', () => {
    expect(context(hostTime() - 1).signal.aborted).toBe(true);
  });

  it('does not abort once its handler is done', () => {
    const done = context(hostTime() + 50);
    const { signal } = done;
    contextOf.release(done);
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(100);
    expect(signal.aborted).toBe(false);
  });
});
