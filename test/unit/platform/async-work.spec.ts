import { describe, expect, it } from '@jest/globals';
import { callAndFinish } from '../../../lib/platform/async-work.js';
import { systemClock } from '../../../lib/platform/clock.js';

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const finish = (...calls: (() => unknown)[]) => callAndFinish(calls, systemClock, () => false);

describe('callAndFinish', () => {
  it('waits for the promise that a call returns', async () => {
    let done = false;
    await finish(() => later(250).then(() => (done = true)));
    expect(done).toBe(true);
  });

  it('waits for the promises and timers that a call began and does not return', async () => {
    const done: string[] = [];
    await finish(
      () => void later(250).then(() => later(50).then(() => done.push('promise'))),
      () => void setTimeout(() => done.push('timer'), 250),
    );
    expect(done).toEqual(['timer', 'promise']);
  });

  it('waits for no timer that does not keep the process up', async () => {
    const timer = setTimeout(() => {}, 600_000);
    await expect(finish(() => void setTimeout(() => {}, 600_000).unref())).resolves.toBeUndefined();
    clearTimeout(timer);
  });

  it('does not wait for what others began', async () => {
    const others = setInterval(() => void new Promise(() => {}), 5);
    await expect(finish(() => {})).resolves.toBeUndefined();
    clearInterval(others);
  });

  it('rejects with what a call rejects with, and throws what it throws', async () => {
    await expect(finish(() => Promise.reject(new Error('flush')))).rejects.toThrow('flush');
    await expect(
      finish(() => {
        throw new Error('at once');
      }),
    ).rejects.toThrow('at once');
  });
});
