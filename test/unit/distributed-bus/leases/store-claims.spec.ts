import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Claim } from '../../../../lib/bus/bus.interface.js';
import { MANY_KEYS } from '../../../../lib/bus/calls/lasting-keys.js';
import { bytes, type Peer } from '../../bus/cluster.js';
import { DistributedCluster, LEASE } from '../distributed-cluster.js';

const KEYS = 100;

/** Minutes of a cluster take seconds where the machine is busy. */
const PATIENCE = 60_000;

describe('the answers of claims over an engine', () => {
  let cluster: DistributedCluster;
  let peers: Peer[];
  /** When an answer was written. */
  let written: number[];
  beforeEach(async () => {
    cluster = new DistributedCluster();
    peers = [];
    for (let slot = 0; slot < 3; slot++) peers.push(await cluster.worker(slot));
    written = [];
  });

  async function conclude(keys: number, ttl = Infinity, prefix = 'order'): Promise<void> {
    const [one] = peers as [Peer];
    const claims = Array.from({ length: keys }, (_, n) => one.claim(`${prefix}:${n}`, ttl));
    await cluster.settle();
    await Promise.all(claims);
    for (let n = 0; n < keys; n++) one.bus.conclude(`${prefix}:${n}`, 'ok', bytes('done'));
    await cluster.settle();
    const [, answers] = [...cluster.broker.stores].find(([name]) => name.endsWith('answers'))!;
    const put = answers.put.bind(answers);
    answers.put = (...args) => {
      written.push(cluster.clock.now());
      return put(...args);
    };
  }

  it(
    'are renewed by one process for all, spread over time',
    async () => {
      await conclude(KEYS);
      await cluster.clock.pass(60_000);
      written = [];
      await cluster.clock.pass(80_000);
      // Each is due again after 20 to 23 s.
      expect(written.length).toBeGreaterThan((KEYS * 80) / 25);
      expect(written.length).toBeLessThan((KEYS * 80) / 19);
      const perSecond = new Map<number, number>();
      for (const at of written) perSecond.set(Math.floor(at / 1_000), (perSecond.get(Math.floor(at / 1_000)) ?? 0) + 1);
      expect(Math.max(...perSecond.values())).toBeLessThan(KEYS / 5);
    },
    PATIENCE,
  );

  it(
    'outlast whoever renewed them',
    async () => {
      await conclude(KEYS);
      for (const peer of peers.slice(0, 2)) {
        await cluster.clock.pass(30_000);
        await cluster.die(peer);
      }
      await cluster.clock.pass(70_000);
      const claims = Array.from({ length: KEYS }, (_, n) => peers[2]!.claim(`order:${n}`));
      await cluster.settle();
      expect((await Promise.all(claims)).filter(({ granted }) => granted)).toEqual([]);
    },
    PATIENCE,
  );

  it(
    'are forgotten with their time',
    async () => {
      // Their time is the host's, not the clock's.
      await conclude(KEYS, 1);
      await cluster.clock.pass(60_000);
      written = [];
      await cluster.clock.pass(60_000);
      expect(written).toEqual([]);
    },
    PATIENCE,
  );

  it(
    'are warned of where thousands are kept for ever, not where they have a ttl',
    async () => {
      const many = () => cluster.warnings.filter((line) => /results of runOnce are kept/.test(line));
      await conclude(MANY_KEYS, 600_000, 'short');
      expect(many()).toEqual([]);
      await conclude(MANY_KEYS);
      expect(many()).toHaveLength(peers.length);
      expect(many()[0]).toMatch(/^2000 results of runOnce .*'order:\d+'.*Give runOnce a ttl/);
    },
    PATIENCE,
  );
});

describe('a claim whose lease ended while the broker was away', () => {
  let cluster: DistributedCluster;
  let holder: Peer;
  let other: Peer;
  beforeEach(async () => {
    cluster = new DistributedCluster();
    holder = await cluster.workerOf('a', 0);
    other = await cluster.workerOf('b', 0);
    const held = holder.claim('k');
    await cluster.settle();
    await held;
  });

  /** How the other's claim ended, if it did. */
  function ask(key = 'k'): { claim: Claim | undefined } {
    const asked: { claim: Claim | undefined } = { claim: undefined };
    void other.claim(key).then((claim) => (asked.claim = claim));
    return asked;
  }

  async function outage(): Promise<void> {
    cluster.broker.stop();
    await cluster.clock.pass(LEASE * 2);
  }

  async function loseRecords(): Promise<void> {
    for (const store of cluster.broker.stores.values()) {
      for (const key of await store.keys()) await store.remove(key, (await store.get(key))!.version);
    }
  }

  /** How the other fares while the holder runs on for long, and when it has ended. */
  async function ending(asked: { claim: Claim | undefined }): Promise<unknown> {
    await cluster.clock.pass(LEASE * 5);
    const meanwhile = asked.claim;
    holder.bus.conclude('k', 'ok', bytes('once'));
    await cluster.settle();
    return { meanwhile, afterwards: asked.claim, stale: cluster.warnings.filter((line) => /stale/.test(line)) };
  }
  const ONE_RUN = {
    meanwhile: undefined,
    afterwards: { granted: false, answer: { outcome: 'ok', payload: bytes('once') } },
    stale: [],
  };

  it('stays with whoever runs on', async () => {
    const asked = ask();
    await outage();
    cluster.broker.start();
    expect(await ending(asked)).toMatchObject(ONE_RUN);
  });

  it('stays with whoever runs on and comes back later than others', async () => {
    const asked = ask();
    await outage();
    cluster.cutOff(holder);
    cluster.broker.start();
    await cluster.clock.pass(2_500);
    cluster.reconnect(holder);
    expect(await ending(asked)).toMatchObject(ONE_RUN);
  });

  it('stays with whoever runs on over the loss of the memory of a broker that is back at once', async () => {
    const asked = ask();
    await cluster.settle();
    cluster.broker.stop();
    await loseRecords();
    cluster.broker.start();
    expect(await ending(asked)).toMatchObject(ONE_RUN);
  });

  it('is taken anew by whoever runs on, so that it is not free for those who come later', async () => {
    await outage();
    cluster.broker.start();
    await cluster.clock.pass(10_000);
    expect(await ending(ask())).toMatchObject(ONE_RUN);
  });

  it('goes to another where its holder has died meanwhile', async () => {
    const asked = ask();
    await outage();
    cluster.cutOff(holder);
    cluster.broker.start();
    await cluster.clock.pass(4_000);
    expect(asked.claim).toBeUndefined();
    await cluster.clock.pass(4_000);
    expect(asked.claim).toMatchObject({ granted: true });
  });

  it('stays with whoever has run it until the broker has written down what came of it', async () => {
    const [, answers] = [...cluster.broker.stores].find(([name]) => name.endsWith('answers'))!;
    const put = answers.put.bind(answers);
    answers.put = () => Promise.reject(new Error('no quorum'));
    holder.bus.conclude('k', 'ok', bytes('once'));
    await cluster.clock.pass(LEASE * 4);
    const asked = ask();
    await cluster.clock.pass(LEASE * 2);
    expect(asked.claim).toBeUndefined();
    answers.put = put;
    await cluster.clock.pass(LEASE * 2);
    expect(asked.claim).toMatchObject({ granted: false, answer: { outcome: 'ok' } });
  });

  it('keeps nobody waiting who claims something else', async () => {
    await outage();
    cluster.broker.start();
    const asked = ask('another');
    await cluster.settle();
    expect(asked.claim).toMatchObject({ granted: true });
  });

  it('goes to nobody else while its holder is there, though the lease is gone without an outage', async () => {
    const asked = ask();
    await cluster.settle();
    await loseRecords();
    expect(await ending(asked)).toMatchObject(ONE_RUN);
  });

  it('goes to nobody else while its result cannot be written down, though the broker refused whoever looked', async () => {
    const [claims, answers] = ['claims', 'answers'].map((name) => cluster.broker.stores.get(`default/${name}`)!);
    const mend = [claims!, answers!].map((store) => {
      const put = store.put.bind(store);
      store.put = () => Promise.reject(new Error('no leader'));
      return () => (store.put = put);
    });
    const asked = ask();
    await cluster.settle();
    holder.bus.conclude('k', 'ok', bytes('once'));
    await loseRecords();
    mend[0]!();
    await cluster.clock.pass(LEASE);
    expect(asked.claim).toBeUndefined();
    mend[1]!();
    await cluster.outlast();
    expect(asked.claim).toMatchObject(ONE_RUN.afterwards);
  });
});
