import { constants } from 'node:os';
import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../lib/platform/clock.js';
import { HeldListeners } from '../../../lib/platform/held-listeners.js';
import { processEvents } from '../../../lib/platform/process-events.js';

/** One that nobody sends to a test. */
const SIGNAL = 'SIGUSR2';
const raise = () => void process.emit(SIGNAL, SIGNAL);
const idle = () => new Promise((resolve) => setImmediate(resolve));

describe('held listeners', () => {
  afterEach(() => void process.removeAllListeners(SIGNAL));

  /** Holds the signal, with a handler of our own that counts. */
  function hold(): { held: HeldListeners; own: () => number } {
    let own = 0;
    processEvents.onSignal(SIGNAL, () => (own += 1));
    return { held: new HeldListeners(new Set([SIGNAL]), systemClock), own: () => own };
  }

  it('do not hear the signal, registered before or after; our own handler does', async () => {
    const heard: string[] = [];
    process.on(SIGNAL, () => heard.push('before'));
    const { held, own } = hold();
    process.on(SIGNAL, () => heard.push('after'));
    process.prependOnceListener(SIGNAL, () => heard.push('first'));
    await idle();
    raise();
    expect(heard).toEqual([]);
    expect(own()).toBe(1);
    await held.run(SIGNAL);
    expect(heard).toEqual(['first', 'before', 'after']);
    expect(own()).toBe(1);
  });

  it('get the arguments of the signal when they run', async () => {
    const got: unknown[][] = [];
    const { held } = hold();
    process.on(SIGNAL, (...args: unknown[]) => got.push(args));
    await idle();
    await held.run(SIGNAL);
    expect(got).toEqual([[SIGNAL, constants.signals[SIGNAL]]]);
  });

  it("are listed, counted and removed as the app's own", async () => {
    const one = () => {};
    const { held } = hold();
    const ours = process.listenerCount(SIGNAL);
    process.once(SIGNAL, one);
    process.on(SIGNAL, one);
    await idle();
    expect(process.listeners(SIGNAL).slice(ours)).toEqual([one, one]);
    process.off(SIGNAL, one);
    process.off(SIGNAL, one);
    expect(process.listenerCount(SIGNAL)).toBe(ours);
    await held.run(SIGNAL);
  });

  it('one of `once` runs once', async () => {
    let runs = 0;
    const { held } = hold();
    process.once(SIGNAL, () => (runs += 1));
    await idle();
    await held.run(SIGNAL);
    raise();
    expect(runs).toBe(1);
  });

  it('that raise the signal again are done', async () => {
    const { held } = hold();
    process.on(SIGNAL, () => {
      setTimeout(raise, 10);
      void new Promise(() => {});
    });
    await idle();
    await expect(held.run(SIGNAL)).resolves.toBeUndefined();
  });
});
