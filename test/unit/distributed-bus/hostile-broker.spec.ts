import { describe, expect, it } from '@jest/globals';
import { DeadLetterService } from '../../../lib/services/dead-letter.service.js';
import type { DistributedBus } from '../../../lib/distributed-bus/distributed-bus.js';
import { queueOf } from '../../../lib/distributed-bus/tasks/task-message.js';
import { pack, tokenOf } from '../../../lib/distributed-bus/envelope.js';
import { MemoryEngine } from '../../../lib/testing/index.js';
import { fc } from '../../support/fast-check.js';
import { bytes, type Peer, text } from '../bus/cluster.js';
import { DistributedCluster } from './distributed-cluster.js';

/*
 * Whoever may publish at a broker may send anything. Here somebody does, by an engine of his own, past every check that
 * this package makes of what it sends: on every subject, in every queue, in every store.
 */

const busOf = (peer: Peer) => peer.bus as DistributedBus;

/** Somebody who has a way to the broker and is no member. */
class Stranger {
  private readonly engine;

  constructor(private readonly cluster: DistributedCluster) {
    this.engine = new MemoryEngine(cluster.broker);
  }

  async connect(): Promise<this> {
    await this.engine.connect({ onConnected: () => {}, onDisconnected: () => {}, onWarning: () => {} });
    return this;
  }

  say(subject: string, message: Uint8Array): void {
    this.engine.publish(subject, message);
  }

  async put(queue: string, id: string, message: Uint8Array): Promise<void> {
    await this.engine.enqueue(queue, id, message);
  }

  /** Over whatever is there. */
  async write(store: string, key: string, value: Uint8Array): Promise<void> {
    const records = this.engine.store(store, 60_000);
    await records.put(key, value, (await records.get(key))?.version);
  }

  async settle(): Promise<void> {
    await this.cluster.settle();
  }
}

/** Numbers of nobody. */
const anyNumber = fc.oneof(
  fc.integer({ min: 0, max: 20 }),
  fc.constantFrom(-1, 0.5, 1e300, Number.MAX_SAFE_INTEGER, 2 ** 53, -0),
);
const anyText = fc.oneof(
  fc.constantFrom('', 'x', 'card', '__proto__', 'primary', 'a b', '\u001B[31mEVIL\nline', 'a.b.>', '*', '../..'),
  fc.string({ maxLength: 8 }),
);
const anyJson = fc.oneof(
  fc.constantFrom<unknown>(null, true, [], {}, [null], { event: null }, { id: {} }),
  anyNumber,
  anyText,
  fc.jsonValue({ maxDepth: 3 }),
);

const at = { at: 1, primary: 7, unix: 1 };
const taskOf = (id: string, event: string) => ({
  id,
  event,
  key: null,
  from: 0,
  fromId: 7,
  deadline: null,
  redeliveries: 2,
  attempts: 1,
  progress: false,
});

/** One of each that may come by a subject, as a member would send it. */
const SAID: Record<string, unknown>[] = [
  {
    type: 'info',
    info: {
      id: 7,
      primary: 8,
      worker: 1,
      host: 'z',
      slot: 0,
      generation: 1,
      pid: 1,
      state: 'ready',
      serves: [{ event: 'e' }],
      revision: 1,
    },
  },
  { type: 'heartbeat', heartbeat: { id: 7, revision: 1, load: { inFlight: 1, utilisation: 0, rss: 1 }, leads: null } },
  { type: 'discover', id: 7 },
  { type: 'disconnect', id: 7 },
  { type: 'abandon', task: 't7-1' },
  { type: 'who-runs', task: 't7-1', fromId: 7 },
  { type: 'concluded', key: 'k', outcome: 'ok', slot: 0, until: at, token: 1 },
  { id: 1, event: 'e', from: 0, fromId: 7 },
  { type: 'request', id: 1, event: 'e', from: 0, fromId: 7, deadline: at },
  { type: 'reply', id: 1, outcome: 'ok', slot: 0, fromId: 7 },
  { type: 'refused', id: 1, fromId: 7 },
  { type: 'result', task: 't7-1', outcome: 'ok', slot: 0, run: '7-1' },
  { type: 'progress', task: 't7-1' },
  { type: 'runs', task: 't7-1' },
  { type: 'discover', fromId: 7 },
];

/** One of each that is kept. */
const KEPT: Record<string, unknown>[] = [
  { key: 'k', outcome: 'ok', slot: 0, until: null, token: 1 },
  { task: 't7-1', outcome: 'ok', slot: 0, run: '7-1' },
  { ...taskOf('t7-1', 'honest'), died: 3, at: 1 },
];

/** A header of which one part, at some depth, is another or is not there. */
const mutated = (headers: readonly Record<string, unknown>[]): fc.Arbitrary<unknown> =>
  fc
    .record({
      header: fc.constantFrom(...headers),
      path: fc.array(fc.nat(20), { minLength: 1, maxLength: 3 }),
      value: fc.option(anyJson, { nil: undefined, freq: 4 }),
    })
    .map(({ header, path, value }) => {
      const copy = structuredClone(header);
      let holder: Record<string, unknown> = copy;
      for (const [depth, step] of path.entries()) {
        const key = Object.keys(holder)[step % Math.max(Object.keys(holder).length, 1)] ?? 'x';
        const inner = holder[key];
        if (depth < path.length - 1 && typeof inner === 'object' && inner !== null) {
          holder = inner as Record<string, unknown>;
          continue;
        }
        holder[key] = value;
        break;
      }
      return copy;
    });

const anyPayload = fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 20 }));

/** Bytes that nobody made, a header of anything, and one that is nearly right. */
const messageOf = (headers: readonly Record<string, unknown>[]): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
    { weight: 2, arbitrary: fc.tuple(anyJson, anyPayload).map(([header, payload]) => packAny(header, payload)) },
    {
      weight: 6,
      arbitrary: fc.tuple(mutated(headers), anyPayload).map(([header, payload]) => packAny(header, payload)),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(...headers), fc.nat(400)).map(([header, cut]) => pack(header).slice(0, cut)),
    },
  );

/** Also of what no header is. */
const packAny = (header: unknown, payload: Uint8Array): Uint8Array => pack(Object(header) as object, payload);

type Step =
  | { readonly do: 'say'; readonly to: string; readonly message: Uint8Array }
  | { readonly do: 'put'; readonly queue: string; readonly id: string; readonly message: Uint8Array }
  | { readonly do: 'write'; readonly store: string; readonly key: string; readonly message: Uint8Array }
  | { readonly do: 'wait'; readonly ms: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('say' as const),
      to: fc.constantFrom('members', 'everyone', 'a', 'b'),
      message: messageOf(SAID),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      queue: fc.constantFrom(queueOf('honest'), queueOf('e')),
      id: fc.constantFrom('t7-1', 't7-2', 'x'),
      message: messageOf([taskOf('t7-1', 'honest'), taskOf('t7-2', 'e')]),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      store: fc.constantFrom('results', 'answers', 'dead-letters', 'claims'),
      key: fc.constantFrom('t7-1', tokenOf('answer', 'k'), tokenOf('claim', 'k')),
      message: messageOf(KEPT),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 700 }) }) },
);

describe('members of a cluster at whose broker somebody says anything', () => {
  it('do not fail, and serve each other as before', async () => {
    const rejected: unknown[] = [];
    const note = (reason: unknown) => void rejected.push(reason);
    process.on('unhandledRejection', note);
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 60 }), async (steps) => {
        const cluster = new DistributedCluster();
        const [a, b] = [await cluster.worker(0, ['honest']), await cluster.workerOf('b', 1, ['honest'])];
        for (const peer of [a, b]) peer.runsEverything();
        const stranger = await new Stranger(cluster).connect();
        const subjects: Record<string, string> = { a: `member-${a.id}`, b: `member-${b.id}` };
        for (const step of steps) {
          if (step.do === 'wait') await cluster.clock.pass(step.ms);
          else if (step.do === 'say') stranger.say(subjects[step.to] ?? step.to, step.message);
          else if (step.do === 'put') await stranger.put(step.queue, step.id, step.message);
          else await stranger.write(step.store, step.key, step.message);
        }
        // Members that somebody made up are silent, and gone.
        await cluster.clock.pass(3_000);
        expect(a.bus.members.map(({ id }) => id)).toEqual([a.id, b.id]);
        const asked = a.request(b, 'question');
        const ran = [1, 2, 3].map(() => a.enqueue('honest'));
        const claimed = a.claim('k of the honest');
        await cluster.settle();
        b.bus.reply(b.requests.at(-1)!, 'ok', bytes('answer'));
        await cluster.settle();
        expect(text((await asked).payload)).toBe('answer');
        for (const { outcome } of await Promise.all(ran)) expect(outcome).toBe('ok');
        expect((await claimed).granted).toBe(true);
        await Promise.all([busOf(a).deadLetters.list(), busOf(b).deadLetters.list()]);
        for (const warning of cluster.warnings) expect(warning).not.toMatch(/EVIL/);
      }),
      { numRuns: 60 },
    );
    process.off('unhandledRejection', note);
    expect(rejected).toEqual([]);
  }, 120_000);
});

describe('what cannot be read', () => {
  it.each([
    ['a card of nothing', 'members', { type: 'info' }],
    ['a card that is null', 'members', { type: 'info', info: null }],
    ['a beat that is null', 'members', { type: 'heartbeat', heartbeat: null }],
    ['a task that is an object', 'members', { type: 'who-runs', task: {}, fromId: 7 }],
    ['a member that is a line of the protocol', 'members', { type: 'discover', id: 'x y\r\nPUB foo 1\r\nz\r\n' }],
    ['a word that nobody knows', 'members', { type: '\u001B[31mEVIL\nline' }],
    ['a broadcast of nobody', 'everyone', { event: 'e', from: null, fromId: null, id: null }],
    ['a header that is a list', 'everyone', [1]],
  ])('%s is dropped, counted and said once, and nothing of it is quoted', async (_, subject, header) => {
    const cluster = new DistributedCluster();
    const worker = await cluster.worker(0);
    const stranger = await new Stranger(cluster).connect();
    for (let n = 0; n < 3; n++) stranger.say(subject, pack(header));
    await cluster.settle();
    expect(busOf(worker).unreadable).toBe(3);
    expect(cluster.warnings).toHaveLength(1);
    expect(cluster.warnings[0]).toMatch(/^1 message\(s\) from memory could not be read/);
    expect(cluster.warnings[0]).not.toMatch(/EVIL|PUB/);
    expect(worker.publications).toEqual([]);
  });

  it('a member that is said to be gone, and lives, goes on; nobody tells it what it is', async () => {
    const cluster = new DistributedCluster();
    const worker = await cluster.worker(0);
    const stranger = await new Stranger(cluster).connect();
    stranger.say('members', pack({ type: 'disconnect', id: worker.id }));
    const card = { id: worker.id, primary: 1, worker: 1, host: 'z', slot: 9, generation: 1, pid: 1, state: 'leaving' };
    stranger.say('members', pack({ type: 'info', info: { ...card, serves: [], revision: 1_000 } }));
    await cluster.clock.pass(5_000);
    expect(worker.bus.members).toMatchObject([{ id: worker.id, slot: 0, host: 'a' }]);
    expect(cluster.warnings).toEqual([]);
  });

  it('tasks that nobody can read are taken out of the queue, and the place is free for those behind them', async () => {
    const cluster = new DistributedCluster();
    const worker = await cluster.worker(0);
    worker.bus.serve([{ event: 'e', concurrency: 1 }]);
    worker.runsEverything();
    const stranger = await new Stranger(cluster).connect();
    const bad = [
      bytes('nonsense'),
      pack({}),
      pack(taskOf('no id of\r\na task', 'e')),
      pack(taskOf('bad-4', 'e')),
      pack({ ...taskOf('bad-4', 'e'), deadline: 'soon' }),
      pack(taskOf('bad-5', 'of another queue')),
    ];
    for (const [n, message] of bad.entries()) await stranger.put(queueOf('e'), `bad-${n}`, message);
    await cluster.settle();
    const asked = worker.enqueue('e');
    await cluster.settle();
    expect((await asked).outcome).toBe('ok');
    expect(worker.tasks).toHaveLength(1);
    expect(cluster.broker.queue(`default/${queueOf('e')}`).tasks.size).toBe(0);
  });

  it('a result that cannot be read is written anew: its task is run, and its caller answered', async () => {
    const cluster = new DistributedCluster();
    const [worker, caller] = [await cluster.worker(0, ['e']), await cluster.worker(1)];
    const stranger = await new Stranger(cluster).connect();
    const asked = caller.enqueue('e', { key: 'k' });
    await cluster.settle();
    const id = [...cluster.broker.queue(`default/${queueOf('e')}`).tasks.keys()][0]!;
    await stranger.write('results', id, bytes('nonsense'));
    await cluster.clock.pass(3_000);
    worker.settle('ok', 'done');
    await cluster.settle();
    expect(text((await asked).payload)).toBe('done');
  });

  it('an answer of runOnce that cannot be read is as good as none', async () => {
    const cluster = new DistributedCluster();
    const [one, two] = [await cluster.worker(0), await cluster.worker(1)];
    const stranger = await new Stranger(cluster).connect();
    await stranger.write('answers', tokenOf('answer', 'k'), pack({ key: 'k', outcome: 'ok' }));
    const claimed = one.claim('k');
    await cluster.settle();
    expect((await claimed).granted).toBe(true);
    one.bus.conclude('k', 'ok', bytes('done'));
    await cluster.settle();
    const again = two.claim('k');
    await cluster.settle();
    expect(await again).toMatchObject({ granted: false, answer: { outcome: 'ok' } });
  });
});

describe('dead letters of which some cannot be read', () => {
  it('are listed, those with their ids, and can be discarded; the others are whole', async () => {
    const cluster = new DistributedCluster();
    const worker = await cluster.worker(0, ['e']);
    const stranger = await new Stranger(cluster).connect();
    const good = { ...taskOf('good', 'e'), died: 3, at: 5 };
    await stranger.write('dead-letters', 'good', pack(good, Buffer.from([1])));
    await stranger.write('dead-letters', 'null', pack(Object(null) as object));
    await stranger.write('dead-letters', 'short', bytes('x'));
    await stranger.write(
      'dead-letters',
      'undecodable',
      pack({ ...good, id: 'undecodable' }, Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])),
    );
    await stranger.write('dead-letters', 'timeless', pack({ ...good, at: 1e300 }));
    const service = new DeadLetterService({ deadLetters: busOf(worker).deadLetters } as never);
    const letters = await service.list();
    const unreadable = Object.fromEntries(letters.map((letter) => [letter.id, letter.unreadable !== undefined]));
    expect(unreadable).toEqual({ good: false, null: true, short: true, timeless: true, undecodable: true });
    expect(letters.find(({ id }) => id === 'good')).toMatchObject({ event: 'e', data: 1, died: 3, at: new Date(5) });
    await expect(service.retry('short')).rejects.toMatchObject({ code: 'ERR_CLUSTER_REQUEST_REFUSED' });
    for (const { id } of letters) if (unreadable[id]) await service.discard(id);
    await service.retry('good');
    expect(await service.list()).toEqual([]);
    await cluster.settle();
    expect(worker.tasks).toHaveLength(1);
  });
});

describe('a broker that is there and does not write down how tasks end', () => {
  it('costs no place: other tasks are run meanwhile, and the results are written once it does', async () => {
    const cluster = new DistributedCluster();
    const worker = await cluster.worker(0);
    worker.bus.serve([{ event: 'e', concurrency: 1 }]);
    const caller = await cluster.worker(1);
    const results = cluster.broker.stores.get('default/results')!;
    const put = results.put.bind(results);
    results.put = async (key, value, expected) => {
      if (isRefusing && text(value).includes('"outcome"')) throw new Error('no space left on device');
      return put(key, value, expected);
    };
    let isRefusing = true;
    const asked = [caller.enqueue('e'), caller.enqueue('e')];
    worker.runsEverything();
    await cluster.clock.pass(300);
    expect(worker.tasks).toHaveLength(1);
    await cluster.clock.pass(20_000);
    expect(worker.tasks).toHaveLength(2);
    isRefusing = false;
    await cluster.clock.pass(5_000);
    expect((await Promise.all(asked)).map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
    expect(worker.tasks).toHaveLength(2);
    // Both have given back what they had: exactly one place is there again.
    worker.onTasking = () => undefined;
    void caller.enqueue('e');
    void caller.enqueue('e');
    await cluster.clock.pass(1_000);
    expect(worker.tasks).toHaveLength(3);
  });
});
