import { setTimeout as elapsed } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import type { Engine } from '../../lib/bus/engine.interface.js';
import { nats, type NatsOptions } from '../../lib/engines/nats/index.js';
import { engineConformance } from '../../lib/testing/index.js';
import { describeOver, NATS } from '../support/brokers.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { NatsServer } from '../support/nats-server.js';

const listener = { onConnected: () => {}, onDisconnected: () => {}, onWarning: () => {} };

describeOver(NATS)('the NATS engine', () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server.destroy());

  async function connectedTo(cluster: string, options: NatsOptions = { servers: server.url }): Promise<Engine> {
    const engine = await nats(options).create({ cluster, environment: 'test', client: 'test', maxMessage: 1_000 });
    await engine.connect(listener);
    return engine;
  }

  engineConformance(
    (namespace) => nats({ servers: server.url }).create({ ...namespace, client: 'test', maxMessage: 100_000 }),
    { kill: () => server.kill(), restart: () => server.restart() },
    { describe, it, afterEach },
  );

  it('leaves a connection open that was handed in', async () => {
    const connection = await connect({ servers: server.url });
    try {
      const engine = await nats({ connection }).create({
        cluster: 'handed',
        environment: 'in',
        client: 'test',
        maxMessage: 1_000,
      });
      await engine.connect(listener);
      const heard: string[] = [];
      engine.subscribe('a', (message) => heard.push(Buffer.from(message).toString()));
      engine.publish('a', Buffer.from('hello'));
      await engine.flush();
      expect(heard).toEqual(['hello']);
      await engine.close();
      expect(connection.isClosed()).toBe(false);
      await connection.flush();
    } finally {
      await connection.close();
    }
  });

  it('takes back a task for whoever asks last, as after a change of options', async () => {
    const [before, after] = [await connectedTo('changed'), await connectedTo('changed')];
    const done: Promise<void>[] = [];
    const old = before.work('q', 60_000, (task) => done.push(task.acknowledge()));
    old.grant(1);
    await before.enqueue('q', 'first', Buffer.from('t'));
    await eventually(() => done.length === 1, { what: 'the first task' });
    await done[0];
    old.stop();
    const attempts: number[] = [];
    after.work('q', 1_000, ({ attempt }) => attempts.push(attempt)).grant(5);
    await after.enqueue('q', 't', Buffer.from('t'));
    await eventually(() => attempts.length === 2, { timeout: 4_000, what: 'the task to be handed out again' });
    expect(attempts).toEqual([1, 2]);
    await Promise.all([before.close(), after.close()]);
  });

  it('keeps records for as long as anybody who has some there has asked for, and no longer once nobody has', async () => {
    const engines: Engine[] = [];
    const open = async (ttl: number) => {
      const engine = await connectedTo('lasting');
      engines.push(engine);
      const store = engine.store('s', ttl);
      await store.get('k');
      return store;
    };
    const connection = await connect({ servers: server.url });
    const manager = await jetstreamManager(connection);
    const info = () => manager.streams.info('KV_nestjs-cluster_lasting_test_s');
    const keptFor = async () => (await info()).config.max_age / 1e6;
    const long = await open(4_000);
    await long.put('k', Buffer.from('v'), undefined);
    const short = await open(1_000);
    expect(await keptFor()).toBe(4_000);
    expect(await short.get('k')).toBeDefined();
    await eventually(async () => (await info()).state.messages === 0, { what: 'the record to be forgotten' });
    await open(1_000);
    expect(await keptFor()).toBe(1_000);
    // One that was there before, and takes a lease now.
    await long.put('k', Buffer.from('v'), undefined);
    await long.uphold!();
    expect(await keptFor()).toBe(4_000);
    await open(6_000);
    expect(await keptFor()).toBe(6_000);
    await Promise.all(engines.map((engine) => engine.close()));
    await connection.close();
  });

  it('asks the leader of what it reads, also where a bucket of an earlier version lets every replica answer', async () => {
    const connection = await connect({ servers: server.url });
    const manager = await jetstreamManager(connection);
    const before = 'nestjs-cluster_direct_test_before';
    await new Kvm(jetstream(connection)).create(before, { ttl: 60_000, history: 1, allow_direct: true });
    const directOf = async (name: string) => (await manager.streams.info(name)).config.allow_direct ?? false;
    expect(await directOf(`KV_${before}`)).toBe(true);
    const engine = await connectedTo('direct');
    for (const name of ['before', 'fresh']) {
      const store = engine.store(name, 60_000);
      const version = await store.put('k', Buffer.from('v'), undefined);
      expect(await store.get('k')).toMatchObject({ version });
      expect(await directOf(`KV_nestjs-cluster_direct_test_${name}`)).toBe(false);
    }
    expect(await directOf('nestjs-cluster_direct_test_tasks')).toBe(false);
    await engine.close();
    await connection.close();
  });

  it('gives later versions than before when the server has lost its memory', async () => {
    const forgetful = await NatsServer.start();
    try {
      const engine = await connectedTo('lost', { servers: forgetful.url });
      const store = engine.store('s', 60_000);
      let before: number | undefined;
      for (let i = 0; i < 20; i++) before = await store.put('k', Buffer.from(`${i}`), before);
      await forgetful.kill();
      await eventually(() => !engine.isConnected, { what: 'the loss' });
      forgetful.forget();
      await forgetful.restart();
      await eventually(() => engine.isConnected, { what: 'the connection' });
      // What was there is another one's by now.
      expect(await store.put('k', Buffer.from('stale'), before)).toBeUndefined();
      await store.remove('k', before!);
      expect(await store.put('k', Buffer.from('new'), undefined)).toBeGreaterThan(before!);
      await engine.close();
    } finally {
      await forgetful.destroy();
    }
  });

  it('keeps nothing of a flush that is done', async () => {
    const engine = await connectedTo('flushed');
    const kept = () => (engine as unknown as { readonly flushing: ReadonlySet<unknown> }).flushing.size;
    const flushes = Array.from({ length: 10 }, () => engine.flush());
    expect(kept()).toBe(10);
    await Promise.all(flushes);
    await new Promise((resolve) => setImmediate(resolve));
    expect(kept()).toBe(0);
    await engine.close();
  });

  it('gets tasks though its pull was lost on the way, such as at a server that has no leader yet', async () => {
    const connection = await connect({ servers: server.url });
    let lost = 0;
    const publish = connection.publish.bind(connection);
    connection.publish = (subject, ...rest) => {
      if (subject.includes('.MSG.NEXT.') && (lost += 1) === 1) return;
      publish(subject, ...rest);
    };
    const engine = await connectedTo('lost-pull', { connection });
    const tasks: string[] = [];
    engine.work('q', 20_000, ({ id }) => tasks.push(id)).grant(1);
    await eventually(() => lost === 1, { what: 'the pull that is lost' });
    await engine.enqueue('q', 't', Buffer.from('t'));
    await eventually(() => tasks.length === 1, { what: 'the task' });
    expect(tasks).toEqual(['t']);
    await engine.close();
    await connection.close();
  });

  it('of three servers, that has lost two, keeps nothing: it counts as away until one is back', async () => {
    const routes = [await freePort(), await freePort(), await freePort()];
    const others = routes.map((port) => `nats://127.0.0.1:${port}`).join(',');
    const servers = await Promise.all(
      routes.map((port, index) =>
        NatsServer.start(
          ['-js', '-n', `n${index}`, '--cluster_name', 'three', '--no_advertise'].concat(
            ['--cluster', `nats://127.0.0.1:${port}`],
            ['--routes', others],
          ),
        ),
      ),
    );
    const said: string[] = [];
    const events = { ...listener, onDisconnected: (reason: string) => void said.push(reason) };
    const [first, ...rest] = servers;
    const engine = await nats({ servers: first!.url, replicas: 3, ignoreClusterUpdates: true }).create({
      cluster: 'three',
      environment: 'test',
      client: 'test',
      maxMessage: 1_000,
    });
    try {
      await engine.connect(events);
      const store = engine.store('s', 60_000);
      const before = await store.put('k', Buffer.from('v'), undefined);
      expect(before).toBeGreaterThan(0);
      await Promise.all(rest.map((other) => other.kill()));
      await store.put('k', Buffer.from('w'), before).catch(() => undefined);
      await eventually(() => !engine.isConnected, { what: 'the quorum to be missed' });
      expect(said).toEqual([expect.stringContaining('its quorum is lost')]);
      expect(() => engine.publish('x', Buffer.from(''))).toThrow('NATS cannot be reached just now');
      await rest[0]!.restart();
      await eventually(() => engine.isConnected, { what: () => `the quorum: ${engine.trouble}` });
      // Reads wait for the leader of all of JetStream.
      const found = () => store.get('k').catch(() => undefined);
      await eventually(async () => (await found()) !== undefined, { what: 'what was kept before' });
    } finally {
      await engine.close();
      await Promise.all(servers.map((other) => other.destroy()));
    }
  });

  it('is back when the credentials it has are taken again', async () => {
    const strict = await NatsServer.start(['-js', '--user', 'u', '--pass', 'p']);
    const engine = await nats({ servers: strict.url, user: 'u', pass: 'p' }).create({
      cluster: 'refused',
      environment: 'test',
      client: 'test',
      maxMessage: 1_000,
    });
    try {
      await engine.connect(listener);
      await strict.kill();
      await strict.restart(['-js', '--user', 'u', '--pass', 'another']);
      await elapsed(3_000);
      expect(engine.isConnected).toBe(false);
      await strict.kill();
      await strict.restart();
      await eventually(() => engine.isConnected, { what: 'the connection' });
    } finally {
      await engine.close();
      await strict.destroy();
    }
  });

  it('refuses to send more than the server takes, and says what to change', async () => {
    const engine = await nats({ servers: server.url }).create({
      cluster: 'large',
      environment: 'test',
      client: 'test',
      maxMessage: 2_000_000,
    });
    await expect(engine.connect(listener)).rejects.toThrow(/2000000 bytes.*takes 1048576.*max_payload/);
  });
});
