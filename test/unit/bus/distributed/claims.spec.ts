import { beforeEach, describe, expect, it } from '@jest/globals';
import { MANY_KEYS } from '../../../../lib/bus/lasting-keys.js';
import { bytes, type Peer } from '../cluster.js';
import { DistributedCluster } from './distributed-cluster.js';

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
