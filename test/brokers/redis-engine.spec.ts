import { setTimeout as elapsed } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis, type RedisOptions as ClientOptions } from 'ioredis';
import type { Engine, LeasedTask } from '../../lib/bus/engine.interface.js';
import { redis, type RedisOptions } from '../../lib/engines/redis/index.js';
import { engineConformance } from '../../lib/testing/index.js';
import { describeOver, REDIS } from '../support/brokers.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';

const describeRedis = describeOver(REDIS);

const LEASE = 1_000;

/** PTTL's word for a key that stays; one that is gone by then has another. */
const NO_END = -1;

let count = 0;
const made: Engine[] = [];
const clients: Redis[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await Promise.all(made.splice(0).map((engine) => engine.close()));
});

/** A client of the test's own. */
function open(url: string, options: ClientOptions = {}): Redis {
  const client = new Redis(url, options);
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

/** An engine that is not connected yet, in a cluster of its own. */
async function make(options: RedisOptions, cluster = `c${(count += 1)}`): Promise<Engine> {
  const engine = await redis(options).create({ cluster, environment: 'test', client: 'a test', maxMessage: 100_000 });
  made.push(engine);
  return engine;
}

/** A connected engine, and what it has warned of. */
async function connected(options: RedisOptions, cluster?: string) {
  const engine = await make(options, cluster);
  const warnings: string[] = [];
  const said: string[] = [];
  await engine.connect({
    onConnected: () => said.push('connected'),
    onDisconnected: () => said.push('disconnected'),
    onWarning: (message) => warnings.push(message),
  });
  return { engine, warnings, said };
}

function work(engine: Engine, grant: number): LeasedTask[] {
  const tasks: LeasedTask[] = [];
  engine.work('q', LEASE, (task) => tasks.push(task)).grant(grant);
  return tasks;
}

describeRedis('the Redis engine', () => {
  let server: RedisServer;
  let client: Redis;
  beforeAll(async () => {
    server = await RedisServer.start();
    client = new Redis(server.url);
    client.on('error', () => undefined);
  });
  afterAll(async () => {
    client.disconnect();
    await server.destroy();
  });

  engineConformance(
    (namespace) => redis({ url: server.url }).create({ ...namespace, client: 'test', maxMessage: 100_000 }),
    { kill: () => server.kill(), restart: () => server.restart() },
    { describe, it, afterEach },
  );

  it('warns of nothing where Redis is set up well', async () => {
    const { warnings } = await connected({ url: server.url });
    expect(warnings).toEqual([]);
  });

  it('makes connections of its own from one that was handed in, and leaves that one as it was', async () => {
    const given = open(server.url, { lazyConnect: true, keyPrefix: 'mine:' });
    const { engine } = await connected({ connection: given });
    const heard: string[] = [];
    engine.subscribe('a', (message) => heard.push(Buffer.from(message).toString()));
    await engine.flush();
    engine.publish('a', Buffer.from('hello'));
    await eventually(() => heard.length === 1, { what: 'the message' });
    expect(await engine.enqueue('q', 't', Buffer.from('t'))).toBe(true);
    expect(given.status).toBe('wait');
    await engine.close();
    expect(await given.ping()).toBe('PONG');
  });

  it.each([
    ['the url', (url: string): RedisOptions => ({ url: `${url}/1` })],
    ['an option', (url: string): RedisOptions => ({ url, db: 1 })],
    [
      'a client that was handed in',
      (url: string): RedisOptions => ({ connection: open(`${url}/1`, { lazyConnect: true }) }),
    ],
  ])('two databases hear nothing of each other; it is named by %s', async (_, inAnother) => {
    const cluster = `db-${(count += 1)}`;
    const [one, two] = [await connected({ url: server.url }, cluster), await connected(inAnother(server.url), cluster)];
    const heard: string[] = [];
    for (const { engine } of [one, two]) {
      engine.subscribe('a', (message) => heard.push(Buffer.from(message).toString()));
      await engine.flush();
    }
    one.engine.publish('a', Buffer.from('to one'));
    await one.engine.flush();
    two.engine.publish('a', Buffer.from('to two'));
    await eventually(() => heard.includes('to two'), { what: 'the message' });
    expect(heard).toEqual(['to one', 'to two']);
  });

  it('keeps nothing of those who stopped to work', async () => {
    const { engine } = await connected({ url: server.url });
    const kept = (engine as unknown as { readonly workers: ReadonlySet<unknown> }).workers;
    const worker = engine.work('q', LEASE, () => undefined);
    worker.grant(1);
    expect(kept.size).toBe(1);
    worker.stop();
    await eventually(() => kept.size === 0, { what: 'the worker to be forgotten' });
  });

  it('a completion that comes too late does not end the run that another one has begun', async () => {
    const { engine } = await connected({ url: server.url }, 'late');
    await engine.enqueue('q', 't', Buffer.from('t'));
    const tasks = work(engine, 2);
    await eventually(() => tasks.length === 2, { what: 'a second run' });
    await tasks[0]!.acknowledge();
    // It is still the second one's, which keeps it.
    for (let i = 0; i < 8; i++) {
      await elapsed(LEASE / 4);
      tasks[1]!.extend();
    }
    expect((await client.keys('nestjs-cluster:late:*:.t')).length).toBeGreaterThan(0);
    await tasks[1]!.acknowledge();
  });

  it('a lease that ended while the server was away is extended by its holder, and the task not run again', async () => {
    const { engine } = await connected({ url: server.url }, 'away');
    await engine.enqueue('q', 't', Buffer.from('t'));
    const tasks = work(engine, 2);
    await eventually(() => tasks.length === 1, { what: 'the task' });
    await server.kill();
    await elapsed(LEASE * 1.5);
    await server.restart();
    await eventually(() => engine.isConnected, { what: 'the return' });
    for (let i = 0; i < 8; i++) {
      tasks[0]!.extend();
      await elapsed(LEASE / 4);
    }
    await tasks[0]!.acknowledge();
    expect(tasks).toHaveLength(1);
    expect(await client.keys('nestjs-cluster:away:*:.t')).toEqual([]);
  });

  it('a thousand tasks that are done leave nothing behind but what fades', async () => {
    const cluster = 'growth';
    const { engine } = await connected({ url: server.url }, cluster);
    let done = 0;
    const hands = engine.work('q', LEASE, (task) => {
      void task.acknowledge().then(() => {
        done += 1;
        hands.grant(1);
      });
    });
    hands.grant(50);
    const ids = Array.from({ length: 1_000 }, (_, n) => `t${n}`);
    for (const id of ids) expect(await engine.enqueue('q', id, Buffer.from(id))).toBe(true);
    await eventually(() => done === 1_000, { timeout: 20_000, what: () => `1000 tasks, ${done} are done` });
    const keys = await client.keys(`nestjs-cluster:${cluster}:*`);
    const lasting: string[] = [];
    for (const key of keys) if ((await client.pttl(key)) === NO_END) lasting.push(key);
    expect(lasting).toEqual([]);
    expect(await client.xlen(`nestjs-cluster:${cluster}:test:task:q:events`)).toBeLessThan(1_000);
  });

  it('a queue that was long ago among a thousand is as good as new', async () => {
    const { engine } = await connected({ url: server.url }, 'names');
    for (let n = 0; n < 1_000; n++) {
      await engine.enqueue(`q${n}`, 'first', Buffer.from('t'));
      if (n > 0) await engine.withdraw(`q${n}`, 'first');
    }
    await engine.enqueue('q0', 'second', Buffer.from('t'));
    const done: string[] = [];
    const hands = engine.work('q0', LEASE, (task) => void task.acknowledge().then(() => done.push(task.id)));
    hands.grant(5);
    await eventually(() => done.length === 2, { what: () => `both tasks, ${done} are done` });
    expect(done.sort()).toEqual(['first', 'second']);
  });

  it('lists the keys of a store until they are forgotten', async () => {
    const { engine } = await connected({ url: server.url });
    const store = engine.store('s', 300);
    await store.put('one', Buffer.from('1'), undefined);
    expect(await store.keys()).toEqual(['one']);
    await elapsed(350);
    expect(await store.keys()).toEqual([]);
    await store.put('two', Buffer.from('2'), undefined);
    expect(await store.keys()).toEqual(['two']);
  });

  it('notices a frozen server within 4 s, refuses meanwhile, and is back with its subscriptions', async () => {
    const { engine, said } = await connected({ url: server.url });
    const heard: string[] = [];
    engine.subscribe('a', (message) => heard.push(Buffer.from(message).toString()));
    const frozenAt = performance.now();
    server.freeze();
    try {
      await eventually(() => !engine.isConnected, { what: 'the frozen server to be noticed' });
      expect(performance.now() - frozenAt).toBeLessThan(4_000);
      expect(() => engine.publish('a', Buffer.from('lost'))).toThrow(/cannot be reached/);
      await elapsed(3_000);
    } finally {
      server.thaw();
    }
    const thawedAt = performance.now();
    await eventually(() => engine.isConnected, { what: 'the server to be back' });
    expect(performance.now() - thawedAt).toBeLessThan(5_000);
    await engine.flush();
    engine.publish('a', Buffer.from('found'));
    await eventually(() => heard.length === 1, { what: 'the message' });
    expect(heard).toEqual(['found']);
    expect(said).toEqual(['connected', 'disconnected', 'connected']);
  });

  it('gives its subscriptions to a process that was busy for longer than a silent server is waited for', async () => {
    const { engine, said } = await connected({ url: server.url });
    const until = performance.now() + 4_000;
    while (performance.now() < until);
    await elapsed(1_500);
    expect(engine.isConnected).toBe(true);
    expect(said).toEqual(['connected']);
  });
});

describeRedis('a Redis server that is set up otherwise', () => {
  const withServer = async (args: readonly string[], body: (server: RedisServer) => Promise<void>) => {
    const server = await RedisServer.start(args);
    try {
      await body(server);
    } finally {
      await Promise.all(made.splice(0).map((engine) => engine.close()));
      await server.destroy();
    }
  };

  it('without an append-only file, or one that evicts, is warned of with what to change', () =>
    withServer(['--appendonly', 'no', '--maxmemory-policy', 'allkeys-lru'], async ({ url }) => {
      const { warnings } = await connected({ url });
      expect(warnings).toEqual([
        expect.stringMatching(/append-only file.*queued tasks.*lost.*appendonly yes/),
        expect.stringMatching(/maxmemory-policy allkeys-lru.*maxmemory-policy noeviction/),
      ]);
    }));

  it('that loses its memory gives later versions than before all the same', () =>
    withServer(['--appendonly', 'no', '--save', ''], async (server) => {
      const { engine } = await connected({ url: server.url });
      const store = engine.store('s', 60_000);
      const first = await store.put('k', Buffer.from('1'), undefined);
      await server.kill();
      await eventually(() => !engine.isConnected, { what: 'the loss' });
      await server.restart();
      await eventually(() => engine.isConnected, { what: 'the return' });
      expect(await store.get('k')).toBeUndefined();
      expect(await store.put('k', Buffer.from('2'), undefined)).toBeGreaterThan(first!);
    }));

  it('whose memory is full takes no task, and says what to do; what it has it goes on with later', () =>
    withServer(['--appendonly', 'yes', '--maxmemory-policy', 'noeviction'], async (server) => {
      const { engine, warnings } = await connected({ url: server.url });
      await engine.enqueue('q', 'before', Buffer.from('before'));
      const client = open(server.url);
      await client.config('SET', 'maxmemory', '1mb');
      await expect(engine.enqueue('q', 'full', Buffer.from('full'))).rejects.toMatchObject({
        code: 'ERR_CLUSTER_BACKPRESSURE',
        message: expect.stringMatching(/OOM.*maxmemory/),
      });
      // Nor does it hand one out: that is a write, too.
      const tasks = work(engine, 5);
      await eventually(() => warnings.some((text) => /does not hand out tasks.*OOM/.test(text)), { what: 'a warning' });
      expect(tasks).toEqual([]);
      await client.config('SET', 'maxmemory', '0');
      expect(await engine.enqueue('q', 'full', Buffer.from('full'))).toBe(true);
      await eventually(() => tasks.length === 2, { what: 'both tasks' });
      await Promise.all(tasks.map((task) => task.acknowledge()));
    }));

  it.each([
    ['no password is given', (server: RedisServer) => ({ url: server.url })],
    ['the password is wrong', (server: RedisServer) => ({ url: server.url, password: 'wrong' })],
    ['there is no such user', (server: RedisServer) => ({ url: server.url, username: 'u', password: 'secret' })],
  ])('is refused where %s, with what to change', (_, options) =>
    withServer(['--requirepass', 'secret'], async (server) => {
      const connecting = connected(options(server));
      await expect(connecting).rejects.toMatchObject({
        code: 'ERR_CLUSTER_OPTIONS',
        message: expect.stringMatching(/Redis at 127.0.0.1:\d+ refuses.*(NOAUTH|WRONGPASS).*Check url, username, pass/),
      });
      await expect(connecting).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
    }),
  );

  it('with an ACL user that may do what is needed is used', () =>
    withServer(['--appendonly', 'yes'], async (server) => {
      const admin = open(server.url);
      await admin.acl('SETUSER', 'app', 'on', '>pw', '~nestjs-cluster:*', '&nestjs-cluster:*', '+@all', '-@dangerous');
      const { engine, warnings } = await connected({ url: server.url, username: 'app', password: 'pw' });
      expect(warnings).toEqual([expect.stringMatching(/does not let this user ask/)]);
      expect(await engine.enqueue('q', 't', Buffer.from('t'))).toBe(true);
      const tasks = work(engine, 1);
      await eventually(() => tasks.length === 1, { what: 'the task' });
      await tasks[0]!.acknowledge();
    }));
});
