import { beforeEach, describe, expect, it } from '@jest/globals';
import { Lease } from '../../../../lib/distributed-bus/leases/lease.js';
import { MemoryBroker, MemoryEngine } from '../../../../lib/testing/index.js';
import type { Store } from '../../../../lib/bus/engine.interface.js';

const DURATION = 2_000;

describe('a lease', () => {
  let now: number;
  let broker: MemoryBroker;
  let store: Store;
  beforeEach(async () => {
    now = 0;
    broker = new MemoryBroker();
    const engine = new MemoryEngine(broker);
    const quiet = () => undefined;
    await engine.connect({ onConnected: quiet, onDisconnected: quiet, onWarning: quiet });
    store = engine.store('leases', 60_000);
  });
  const lease = (owner: string, through = store) => new Lease(through, 'k', owner, DURATION, () => now);

  it('has one holder, and the next one a higher token', async () => {
    const [one, two] = [lease('one'), lease('two')];
    const token = await one.acquire();
    expect(token).toBeDefined();
    expect(await two.acquire()).toBeUndefined();
    expect(two.token).toBeUndefined();
    await one.release();
    expect(one.token).toBeUndefined();
    expect(await two.acquire()).toBeGreaterThan(token!);
  });

  it('keeps its token while it is renewed', async () => {
    const one = lease('one');
    const token = await one.acquire();
    for (let i = 0; i < 5; i++) {
      now += DURATION / 2;
      expect(await one.renew()).toBe(true);
      expect(one.token).toBe(token);
    }
  });

  it('is over for its holder before its time is, where it is not renewed', async () => {
    const one = lease('one');
    await one.acquire();
    now += DURATION - 1;
    expect(one.token).toBeUndefined();
  });

  it('makes sure, each time it is taken, that it is kept for as long as it lasts', async () => {
    let upheld = 0;
    const changed: Store = { ...methodsOf(store), uphold: async () => void (upheld += 1) };
    const [one, two] = [lease('one', changed), lease('two', changed)];
    await one.acquire();
    expect(upheld).toBe(1);
    await two.acquire();
    await one.renew();
    expect(upheld).toBe(1);
    await one.release();
    await two.acquire();
    expect(upheld).toBe(2);
  });

  it('counts from before the broker was asked', async () => {
    const slow: Store = {
      ...methodsOf(store),
      put: async (...args) => {
        now += DURATION;
        return store.put(...args);
      },
    };
    expect(await lease('one', slow).acquire()).toBeUndefined();
  });

  it('cannot be renewed once another one has had it', async () => {
    const one = lease('one');
    await one.acquire();
    // As if its time had run out at the broker.
    await store.remove('k', (await store.get('k'))!.version);
    await lease('two').acquire();
    expect(await one.renew()).toBe(false);
    expect(one.token).toBeUndefined();
    expect(await one.renew()).toBe(false);
  });

  it('is held where the answer of the broker was lost, but the lease was written', async () => {
    const deaf: Store = {
      ...methodsOf(store),
      put: async (...args) => {
        await store.put(...args);
        throw new Error('timeout');
      },
    };
    const one = lease('one', deaf);
    expect(await one.acquire()).toBeDefined();
    expect(await lease('two').acquire()).toBeUndefined();
  });

  it('says so where the broker cannot be asked, and lasts as long as it was renewed', async () => {
    const one = lease('one');
    await one.acquire();
    broker.stop();
    await expect(one.renew()).rejects.toThrow('The memory broker is stopped');
    expect(one.token).toBeDefined();
    now += DURATION;
    expect(one.token).toBeUndefined();
  });
});

/** A store's methods, to replace one of. */
function methodsOf(store: Store): Store {
  return {
    get: (key) => store.get(key),
    put: (key, value, expected) => store.put(key, value, expected),
    remove: (key, expected) => store.remove(key, expected),
    keys: () => store.keys(),
  };
}
