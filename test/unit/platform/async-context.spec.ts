import { describe, expect, it } from '@jest/globals';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Subject } from 'rxjs';
import { currentContext, inRootContext } from '../../../lib/platform/async-context.js';
import { systemClock } from '../../../lib/platform/clock.js';
import { inSubscribersContext } from '../../../lib/platform/subscriber-context.js';

const storage = new AsyncLocalStorage<string>();

describe('work in the root context', () => {
  it('sees no store of its caller, nor does what it starts, and the caller keeps its own', async () => {
    await storage.run('request', async () => {
      const later = inRootContext(async () => {
        expect(storage.getStore()).toBeUndefined();
        await new Promise(setImmediate);
        return storage.getStore();
      });
      expect(storage.getStore()).toBe('request');
      expect(await later).toBeUndefined();
      expect(storage.getStore()).toBe('request');
    });
  });

  it('leaves nothing to what comes after it, not even by enterWith', async () => {
    const own = inRootContext(async () => {
      storage.enterWith('first');
      await new Promise(setImmediate);
      return storage.getStore();
    });
    expect(inRootContext(() => storage.getStore())).toBeUndefined();
    expect(await own).toBe('first');
    expect(inRootContext(() => storage.getStore())).toBeUndefined();
  });

  it('gives back what the work returns and throws what it throws', () => {
    expect(inRootContext(() => 1)).toBe(1);
    expect(() =>
      inRootContext(() => {
        throw new Error('no');
      }),
    ).toThrow('no');
  });
});

describe('a remembered context', () => {
  it('is that in which it was remembered', () => {
    const inContext = storage.run('then', () => currentContext());
    expect(storage.run('now', () => inContext(() => storage.getStore()))).toBe('then');
  });
});

describe('an observable in its subscribers’ contexts', () => {
  it('calls each in the one in which it subscribed, whoever emits', () => {
    const source = new Subject<number>();
    const seen: unknown[] = [];
    const see = (what: string) => () => seen.push([what, storage.getStore()]);
    const subscriptions = ['A', 'B'].map((id) =>
      storage.run(id, () => inSubscribersContext(source).subscribe({ next: see(id), complete: see(`${id} done`) })),
    );
    storage.run('emitter', () => source.next(1));
    subscriptions[0]!.unsubscribe();
    storage.run('emitter', () => source.complete());
    expect(seen).toEqual([
      ['A', 'A'],
      ['B', 'B'],
      ['B done', 'B'],
    ]);
  });
});

describe('a timer of the process', () => {
  it('runs in no context, whoever started it', async () => {
    const seen = await new Promise((resolve) =>
      storage.run('request', () => systemClock.after(0, () => resolve(storage.getStore() ?? 'none'))),
    );
    expect(seen).toBe('none');
  });
});
