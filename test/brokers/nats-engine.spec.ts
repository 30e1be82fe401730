import { type AddressInfo, connect as dial, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as elapsed } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import { nats } from '../../lib/nats/index.js';
import { engineConformance } from '../../lib/testing/index.js';
import { describeOver, NATS } from '../support/brokers.js';
import { eventually } from '../support/eventually.js';
import { NatsServer } from '../support/nats-server.js';

const listener = { onConnected: () => {}, onDisconnected: () => {}, onWarning: () => {} };

/** A way to a server that can be cut so that only the client notices. */
class HalfOpen {
  private readonly clients = new Set<Socket>();
  private readonly onward = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async to(port: number): Promise<HalfOpen> {
    const server = createServer((client) => {
      const onward = dial(port, '127.0.0.1');
      way.clients.add(client);
      way.onward.add(onward);
      for (const socket of [client, onward]) socket.on('error', () => undefined);
      client.on('data', (data) => onward.write(data));
      onward.on('data', (data) => client.destroyed || client.write(data));
    });
    const way = new HalfOpen(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return way;
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  off(): void {
    for (const client of this.clients) client.destroy();
    this.clients.clear();
  }

  close(): void {
    this.server.close();
    for (const socket of [...this.clients, ...this.onward]) socket.destroy();
  }
}

describeOver(NATS)('the NATS engine', () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server.destroy());

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

  it('takes the lease and the time that was asked for last, as after a change of options', async () => {
    const namespace = { cluster: 'changed', environment: 'test', client: 'test', maxMessage: 1_000 };
    const connected = async () => {
      const engine = await nats({ servers: server.url }).create(namespace);
      await engine.connect(listener);
      return engine;
    };
    const [before, after] = [await connected(), await connected()];
    await before.store('s', 60_000).put('k', Buffer.from('v'), undefined);
    const done: Promise<void>[] = [];
    const old = before.work('q', 60_000, (task) => done.push(task.acknowledge()));
    old.grant(1);
    await before.enqueue('q', 'first', Buffer.from('t'));
    await eventually(() => done.length === 1, { what: 'the first task' });
    await done[0];
    old.stop();
    const store = after.store('s', 1_500);
    await store.put('l', Buffer.from('v'), undefined);
    await eventually(async () => (await store.keys()).length === 0, { what: 'both records to be forgotten' });
    const attempts: number[] = [];
    after.work('q', 1_000, ({ attempt }) => attempts.push(attempt)).grant(5);
    await after.enqueue('q', 't', Buffer.from('t'));
    await eventually(() => attempts.length === 2, { timeout: 4_000, what: 'the task to be handed out again' });
    expect(attempts).toEqual([1, 2]);
    await Promise.all([before.close(), after.close()]);
  });

  it('keeps nothing of a flush that is done', async () => {
    const engine = await nats({ servers: server.url }).create({
      cluster: 'flushed',
      environment: 'test',
      client: 'test',
      maxMessage: 1_000,
    });
    await engine.connect(listener);
    const kept = () => (engine as unknown as { readonly flushing: ReadonlySet<unknown> }).flushing.size;
    const flushes = Array.from({ length: 10 }, () => engine.flush());
    expect(kept()).toBe(10);
    await Promise.all(flushes);
    await new Promise((resolve) => setImmediate(resolve));
    expect(kept()).toBe(0);
    await engine.close();
  });

  it('what a pull of a lost connection still brings is paid for by what is granted next', async () => {
    const cut = await HalfOpen.to(server.port);
    let contacts = 0;
    const make = async (servers: string) => {
      const engine = await nats({ servers }).create({
        cluster: 'half-open',
        environment: 'test',
        client: 'test',
        maxMessage: 1_000,
      });
      await engine.connect({ ...listener, onConnected: () => (contacts += 1) });
      return engine;
    };
    const engine = await make(cut.url);
    const caller = await make(server.url);
    const tasks: string[] = [];
    const worker = engine.work('q', 20_000, ({ id }) => tasks.push(id));
    worker.grant(1);
    await elapsed(200);
    cut.off();
    await eventually(() => contacts === 3, { what: 'a new connection' });
    await elapsed(200);
    for (let n = 0; n < 5; n++) await caller.enqueue('q', `t${n}`, Buffer.from('t'));
    await eventually(() => tasks.length === 2, { what: 'the tasks of both pulls' });
    worker.grant(1);
    await elapsed(300);
    expect(tasks).toHaveLength(2);
    worker.grant(2);
    await eventually(() => tasks.length === 4, { what: 'what was granted' });
    await elapsed(300);
    expect(tasks).toHaveLength(4);
    await Promise.all([engine.close(), caller.close()]);
    cut.close();
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
