import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine, LeasedTask } from '../bus/engine.interface.js';

/** What the suite may do to the broker. Tests of what is left out are skipped. @publicApi */
export interface EngineFaults {
  /** Kills the broker, as with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again at the same address, with the data that it had stored. */
  restart(): Promise<void>;
}

/** The namespace that engines share. @publicApi */
export interface EngineNamespace {
  readonly cluster: string;
  readonly environment: string;
}

/** Creates an engine that is not connected yet. @publicApi */
export type MakeEngine = (namespace: EngineNamespace) => Promise<Engine>;

/** The functions of a test runner; those of jest, vitest and node:test fit. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>, timeout?: number): unknown;
  afterEach(body: () => Promise<void>): unknown;
}

/** Lease of the tasks in the suite, in ms. */
const LEASE = 1_000;

/** A task must be handed out again within this time after its lease has ended, in ms. */
const PATIENCE = 1_000;

/** How long to wait for something that should happen, in ms. */
const DEADLINE = 10_000;

/** Timeout of one test, in ms. */
const TIMEOUT = 30_000;

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString();

/**
 * Tests everything that the messenger relies on in an engine. Run it against your own engine:
 *
 * ```ts
 * engineConformance((namespace) => makeMyEngine(namespace), { kill, restart });
 * ```
 *
 * Every test has a namespace of its own, so the broker may be shared. The suite takes about half a minute.
 *
 * @param faults what the suite may do to the broker; without it, only an undisturbed broker is tested
 * @param runner default: the global `describe`, `it` and `afterEach`
 * @publicApi
 */
export function engineConformance(
  makeEngine: MakeEngine,
  faults?: EngineFaults,
  { describe, it, afterEach }: TestRunner = globalThis as unknown as TestRunner,
): void {
  const made: Engine[] = [];
  let count = 0;
  afterEach(async () => {
    await Promise.all(made.splice(0).map((engine) => engine.close()));
  });

  const test = (name: string, body: (namespace: EngineNamespace) => Promise<void>) =>
    it(
      name,
      () => body({ cluster: `conformance-${process.pid}-${(count += 1)}`, environment: Date.now().toString(36) }),
      TIMEOUT,
    );

  /** A connected engine, and the events that it reports. */
  const connect = async (namespace: EngineNamespace) => {
    const said: string[] = [];
    const engine = await makeEngine(namespace);
    made.push(engine);
    await engine.connect({
      onConnected: () => said.push('connected'),
      onDisconnected: () => said.push('disconnected'),
      onWarning: () => undefined,
    });
    return { engine, said };
  };

  const listen = async (engine: Engine, ...subjects: string[]) => {
    const received: string[] = [];
    const ends = subjects.map((subject) => engine.subscribe(subject, (message) => received.push(text(message))));
    await engine.flush();
    return { received, end: () => ends.forEach((end) => end()) };
  };

  /** A queue worker that records the tasks that it got. */
  const work = (engine: Engine, queue: string, grant: number, lease = LEASE) => {
    const tasks: (LeasedTask & { readonly at: number })[] = [];
    const worker = engine.work(queue, lease, (task) => tasks.push(Object.assign(task, { at: performance.now() })));
    worker.grant(grant);
    return { tasks, worker };
  };

  describe('publish and subscribe', () => {
    test('a message reaches every subscriber of its subject, the sender too, and nobody else', async (namespace) => {
      const { engine: one } = await connect(namespace);
      const { engine: two } = await connect(namespace);
      const listeners = [await listen(one, 'a'), await listen(two, 'a')];
      const other = await listen(two, 'b');
      one.publish('a', bytes('hello'));
      await until(() => listeners.every(({ received }) => received.length === 1));
      assert.deepEqual(other.received, []);
    });

    test('the messages of one sender arrive in order, over all subjects', async (namespace) => {
      const { engine: one } = await connect(namespace);
      const { engine: two } = await connect(namespace);
      const { received } = await listen(two, 'a', 'b');
      const sent = Array.from({ length: 500 }, (_, n) => String(n));
      for (const [n, message] of sent.entries()) one.publish(n % 2 === 0 ? 'a' : 'b', bytes(message));
      await until(() => received.length === sent.length);
      assert.deepEqual(received, sent);
    });

    test('a subscription that was ended hears nothing more', async (namespace) => {
      const { engine } = await connect(namespace);
      const ended = await listen(engine, 'a');
      const living = await listen(engine, 'a');
      ended.end();
      engine.publish('a', bytes('hello'));
      await until(() => living.received.length === 1);
      assert.deepEqual(ended.received, []);
    });

    test('another environment and another cluster hear nothing', async (namespace) => {
      const { engine } = await connect(namespace);
      const { engine: environment } = await connect({ ...namespace, environment: 'other' });
      const { engine: cluster } = await connect({ ...namespace, cluster: 'other' });
      const others = [await listen(environment, 'a'), await listen(cluster, 'a')];
      const own = await listen(engine, 'a');
      engine.publish('a', bytes('hello'));
      await until(() => own.received.length === 1);
      await Promise.all([environment.flush(), cluster.flush()]);
      assert.deepEqual(
        others.map(({ received }) => received),
        [[], []],
      );
    });
  });

  describe('a store', () => {
    test('of many that write where there is no record, one succeeds', async (namespace) => {
      const { engine } = await connect(namespace);
      const { engine: other } = await connect(namespace);
      const stores = [engine.store('s', 60_000), other.store('s', 60_000)];
      await stores[0]!.get('warm-up');
      const writes = Array.from({ length: 20 }, (_, n) => stores[n % 2]!.put('k', bytes(String(n)), undefined));
      const versions = await Promise.all(writes);
      const won = versions.flatMap((version, n) => (version === undefined ? [] : [n]));
      assert.equal(won.length, 1);
      assert.equal(text((await stores[1]!.get('k'))?.value), String(won[0]));
    });

    test('writes and removes only where the version is the expected one; later versions are higher', async (namespace) => {
      const store = (await connect(namespace)).engine.store('s', 60_000);
      const first = await store.put('k', bytes('1'), undefined);
      const second = await store.put('k', bytes('2'), first);
      assert.ok(second! > first!);
      assert.equal(await store.put('k', bytes('stale'), first), undefined);
      await store.remove('k', first!);
      assert.deepEqual(await store.keys(), ['k']);
      assert.equal((await store.get('k'))?.version, second);
      await store.remove('k', second!);
      assert.equal(await store.get('k'), undefined);
      const third = await store.put('k', bytes('3'), undefined);
      assert.ok(third! > second!);
    });

    test('forgets a record its time after it was last written, and then takes a new one', async (namespace) => {
      const store = (await connect(namespace)).engine.store('s', 1_500);
      const first = await store.put('k', bytes('1'), undefined);
      await sleep(800);
      const second = await store.put('k', bytes('2'), first);
      await sleep(1_000);
      assert.equal((await store.get('k'))?.version, second);
      await until(async () => (await store.get('k')) === undefined);
      assert.ok((await store.put('k', bytes('3'), undefined))! > second!);
    });
  });

  describe('a queue', () => {
    test('hands each task to one worker, and only as many as it granted', async (namespace) => {
      const { engine: one } = await connect(namespace);
      const { engine: two } = await connect(namespace);
      const consumers = [work(one, 'q', 3), work(two, 'q', 4)];
      const ids = Array.from({ length: 10 }, (_, n) => `t${n}`);
      for (const id of ids) assert.equal(await one.enqueue('q', id, bytes(id)), true);
      await until(() => consumers[0]!.tasks.length === 3 && consumers[1]!.tasks.length === 4);
      const out = consumers.flatMap(({ tasks }) => tasks);
      assert.equal(new Set(out.map(({ id }) => id)).size, 7);
      assert.ok(out.every(({ id, message, attempt }) => id === text(message) && attempt === 1));
      await Promise.all(out.map((task) => task.acknowledge()));
      consumers[1]!.worker.grant(3);
      await until(() => consumers[1]!.tasks.length === 7);
      await Promise.all(consumers[1]!.tasks.slice(4).map((task) => task.acknowledge()));
    });

    test('refuses an id that it has or had a moment ago', async (namespace) => {
      const { engine } = await connect(namespace);
      const both = await Promise.all([engine.enqueue('q', 't', bytes('1')), engine.enqueue('q', 't', bytes('2'))]);
      assert.equal(both.filter(Boolean).length, 1);
      const { tasks } = work(engine, 'q', 10);
      await until(() => tasks.length === 1);
      await tasks[0]!.acknowledge();
      assert.equal(await engine.enqueue('q', 't', bytes('3')), false);
    });

    test('hands out again what is not acknowledged, a lease later at the earliest and soon after, counting', async (namespace) => {
      const { engine } = await connect(namespace);
      const { tasks } = work(engine, 'q', 2);
      await engine.enqueue('q', 't', bytes('t'));
      await until(() => tasks.length === 2);
      const waited = tasks[1]!.at - tasks[0]!.at;
      assert.ok(waited > LEASE * 0.9 && waited < LEASE + PATIENCE, `handed out again after ${waited} ms`);
      assert.deepEqual(
        tasks.map(({ attempt }) => attempt),
        [1, 2],
      );
      await tasks[1]!.acknowledge();
    });

    test('does not while the lease is extended, and never after it was acknowledged', async (namespace) => {
      const { engine } = await connect(namespace);
      const { tasks } = work(engine, 'q', 5);
      await engine.enqueue('q', 't', bytes('t'));
      await until(() => tasks.length === 1);
      for (let i = 0; i < 12; i++) {
        await sleep(LEASE / 4);
        tasks[0]!.extend();
      }
      await tasks[0]!.acknowledge();
      await sleep(LEASE + PATIENCE);
      assert.equal(tasks.length, 1);
    });

    test('what is released is handed out again at once', async (namespace) => {
      const { engine } = await connect(namespace);
      const { tasks } = work(engine, 'q', 2);
      await engine.enqueue('q', 't', bytes('t'));
      await until(() => tasks.length === 1);
      tasks[0]!.release();
      await until(() => tasks.length === 2);
      assert.ok(tasks[1]!.at - tasks[0]!.at < LEASE);
      await tasks[1]!.acknowledge();
    });

    test('what is withdrawn is not handed out, nor handed out again', async (namespace) => {
      const { engine } = await connect(namespace);
      await engine.enqueue('q', 'waiting', bytes('waiting'));
      await engine.withdraw('q', 'waiting');
      await engine.enqueue('q', 'running', bytes('running'));
      const { tasks } = work(engine, 'q', 5);
      await until(() => tasks.length === 1);
      await engine.withdraw('q', 'running');
      await engine.withdraw('q', 'unheard-of');
      await sleep(LEASE + PATIENCE);
      assert.deepEqual(
        tasks.map(({ id }) => id),
        ['running'],
      );
    });

    test('keeps its tasks when those who put them in, and those who had them, are gone', async (namespace) => {
      const { engine: caller } = await connect(namespace);
      const { engine: dying } = await connect(namespace);
      const first = work(dying, 'q', 1);
      await caller.enqueue('q', 't', bytes('t'));
      await until(() => first.tasks.length === 1);
      await Promise.all([caller.close(), dying.close()]);
      const { tasks } = work((await connect(namespace)).engine, 'q', 1);
      await until(() => tasks.length === 1);
      assert.equal(tasks[0]!.attempt, 2);
      await tasks[0]!.acknowledge();
    });
  });

  if (faults === undefined) return;

  describe('when the broker is killed', () => {
    /** Kills the broker, calls the given function, and starts the broker again. */
    const whileDown = async (engines: readonly Engine[], body: () => Promise<void>) => {
      await faults.kill();
      try {
        await until(() => engines.every(({ isConnected }) => !isConnected));
        await body();
      } finally {
        await faults.restart();
      }
      await until(() => engines.every(({ isConnected }) => isConnected));
    };

    test('it says so, refuses at once meanwhile, and is back by itself with its subscriptions', async (namespace) => {
      const { engine, said } = await connect(namespace);
      const { received } = await listen(engine, 'a');
      await whileDown([engine], async () => {
        assert.throws(() => engine.publish('a', bytes('lost')));
        const asked = performance.now();
        await assert.rejects(engine.enqueue('q', 't', bytes('t')));
        await assert.rejects(engine.flush());
        await assert.rejects(engine.store('s', 60_000).get('k'));
        assert.ok(performance.now() - asked < 100);
      });
      assert.deepEqual(said, ['connected', 'disconnected', 'connected']);
      await engine.flush();
      engine.publish('a', bytes('found'));
      await until(() => received.length === 1);
      assert.deepEqual(received, ['found']);
    });

    test('it keeps tasks, known ids and records', async (namespace) => {
      const { engine } = await connect(namespace);
      const store = engine.store('s', 60_000);
      const version = await store.put('k', bytes('v'), undefined);
      for (const id of ['t1', 't2']) await engine.enqueue('q', id, bytes(id));
      await whileDown([engine], async () => undefined);
      assert.equal((await store.get('k'))?.version, version);
      assert.equal(await engine.enqueue('q', 't1', bytes('t1')), false);
      const { tasks } = work(engine, 'q', 5);
      await until(() => tasks.length === 2);
      assert.deepEqual(tasks.map(({ id }) => id).sort(), ['t1', 't2']);
      await Promise.all(tasks.map((task) => task.acknowledge()));
    });

    test('grants outlive it: tasks go on being handed out', async (namespace) => {
      const { engine } = await connect(namespace);
      const { tasks } = work(engine, 'q', 2);
      await engine.enqueue('q', 't1', bytes('t1'));
      await until(() => tasks.length === 1);
      await tasks[0]!.acknowledge();
      await whileDown([engine], async () => undefined);
      await engine.enqueue('q', 't2', bytes('t2'));
      await until(() => tasks.length === 2);
      await tasks[1]!.acknowledge();
    });
  });
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + DEADLINE;
  while (!(await condition())) {
    if (Date.now() > deadline) assert.fail(`not within ${DEADLINE} ms: ${String(condition)}`);
    await sleep(5);
  }
}
