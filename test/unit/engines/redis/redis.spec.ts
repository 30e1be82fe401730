import { describe, expect, it } from '@jest/globals';
import { redis, type RedisOptions } from '../../../../lib/engines/redis/index.js';
import { RedisNames } from '../../../../lib/engines/redis/names.js';
import { resolveRedisOptions } from '../../../../lib/engines/redis/options.js';
import { loadPackages } from '../../../../lib/engines/redis/packages.js';
import { judge, parse } from '../../../../lib/engines/redis/server.js';

describe('redis()', () => {
  it("passes the client's own options through", () => {
    const options = { url: 'rediss://one:6379', username: 'u', tls: { ca: 'x' } };
    expect(resolveRedisOptions(options)).toEqual({
      url: 'rediss://one:6379',
      connection: undefined,
      client: { username: 'u', tls: { ca: 'x' } },
      db: 0,
    });
  });

  it.each([
    [{ url: 7 }, /url: got 7; expected an address/],
    [{ url: 'broker:6379' }, /url: got a text of 11 characters.*; expected an address such as 'redis:\/\/broker:6379'/],
    [{ commandTimeout: 0 }, /commandTimeout: got 0; expected a number of ms, 1 or more/],
    [{ keyPrefix: 'a:' }, /keyPrefix: got a text of 2 characters.*; expected nothing: messenger.cluster/],
    [{ retryStrategy: () => null }, /retryStrategy: got .*; expected nothing: the connection is tried for ever/],
    [{ enableOfflineQueue: true }, /enableOfflineQueue: got true; expected false/],
    [{ maxRetriesPerRequest: 3 }, /maxRetriesPerRequest: got 3; expected nothing/],
    [{ connection: {} }, /connection: got \{\}; expected a client/],
    [{ connection: { duplicate: () => {}, isCluster: true } }, /expected a client .*not of a Redis Cluster/],
    [{ connection: { duplicate: () => {} }, url: 'redis://x', db: 1 }, /expected it without url, db/],
    [7, /options: got 7/],
  ])('refuses %j', (options, message) => {
    expect(() => redis(options as unknown as RedisOptions)).toThrow(message);
    expect(() => redis(options as unknown as RedisOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_CLUSTER_OPTIONS' }),
    );
  });

  it('names the command that installs what is missing', async () => {
    const load = async (name: string) => {
      if (name === 'bullmq') throw new Error(`Cannot find package '${name}'`);
      return {};
    };
    await expect(loadPackages({ load, version: () => undefined })).rejects.toThrow(
      /needs the package bullmq.*npm install ioredis@6 bullmq@6/,
    );
  });

  it.each([
    ['ioredis', '4.28.5', /ioredis in version 5 or 6; 4\.28\.5 is installed.*npm install ioredis@6/],
    ['bullmq', '5.6.0', /bullmq in version 6; 5\.6\.0 is installed.*npm install bullmq@6/],
    ['bullmq', '60.1.0', /bullmq in version 6; 60\.1\.0 is installed/],
  ])('refuses %s %s, which another use of it may have brought', async (name, installed, message) => {
    const version = (asked: string) => (asked === name ? installed : '6.0.0');
    const refused = loadPackages({ load: async () => ({}), version });
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toMatchObject({ code: 'ERR_CLUSTER_OPTIONS' });
  });

  it.each(['5.0.0', '5.11.1', '6.0.0', '6.0.0-beta.1'])('takes ioredis %s', async (ioredis) => {
    const version = (name: string) => (name === 'ioredis' ? ioredis : '6.7.0');
    await expect(loadPackages({ load: async (name) => name, version })).resolves.toEqual({
      ioredis: 'ioredis',
      bullmq: 'bullmq',
    });
  });
});

describe('names in Redis', () => {
  it('of two clusters or environments are never the same', () => {
    const one = new RedisNames({ cluster: 'a-b', environment: 'c' }, 0);
    const two = new RedisNames({ cluster: 'a', environment: 'b-c' }, 0);
    expect(one.channel('x')).not.toBe(two.channel('x'));
    expect(one.tasks).not.toBe(two.tasks);
    expect(one.record('s', 'k')).not.toBe(two.record('s', 'k'));
  });

  it("of tasks are none of BullMQ's own, and no numbers", () => {
    const names = new RedisNames({ cluster: 'a', environment: 'b' }, 0);
    expect([names.job('wait'), names.job('7')]).toEqual(['.wait', '.7']);
    expect(names.idOfJob(names.job('id-1'))).toBe('id-1');
  });
});

describe('a Redis server', () => {
  const good = { redis_version: '7.0.15', redis_mode: 'standalone', role: 'master', aof_enabled: '1' };
  const look = (changed: Record<string, string>, isFoundBySentinel = false) =>
    judge(
      new Map(Object.entries({ ...good, maxmemory_policy: 'noeviction', ...changed })),
      'broker:6379',
      isFoundBySentinel,
    );

  it('that is set up well is not complained of', () => {
    expect(look({})).toEqual([]);
  });

  it.each([
    [{ redis_version: '6.0.16' }, /Redis 6.0.16 at broker:6379 is too old; 6.2/],
    [{ redis_mode: 'cluster' }, /part of a Redis Cluster, which is not supported/],
    [{ role: 'slave' }, /is a replica, which takes nothing/],
  ])('with %j is refused', (changed, message) => {
    expect(() => look(changed)).toThrow(message);
  });

  it.each([
    [{ aof_enabled: '0' }, /no append-only file.*queued tasks.*appendonly yes/],
    [{ maxmemory_policy: 'allkeys-lru' }, /maxmemory-policy allkeys-lru.*maxmemory-policy noeviction/],
  ])('with %j is warned of', (changed, message) => {
    expect(look(changed)).toEqual([expect.stringMatching(message)]);
  });

  it('that Sentinel can put another in the place of is warned of where it would go on alone', () => {
    expect(look({}, true)).toEqual([expect.stringMatching(/min-replicas-to-write 1 and min-replicas-max-lag 3/)]);
    expect(look({ min_slaves_good_slaves: '1' }, true)).toEqual([]);
  });

  it('tells what it is line by line', () => {
    expect(parse('# Server\r\nredis_version:7.0.15\r\nexecutable:/a:b\r\n')).toEqual(
      new Map([
        ['redis_version', '7.0.15'],
        ['executable', '/a:b'],
      ]),
    );
  });
});
