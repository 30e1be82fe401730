import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { queueOf } from '../../lib/distributed-bus/tasks/task-message.js';
import { pack } from '../../lib/distributed-bus/envelope.js';
import { type Broker, type BrokerServer, describeOver, eventually, Hosts, useApps } from '../support/index.js';

/** What the members of the cluster are called at the broker. */
export const PLACE = { cluster: 'default', environment: 'hostile' };

/** Somebody who may publish at the broker and is no member. */
export interface Stranger {
  /** To the members that listen to the subject. */
  say(subject: string, message: Uint8Array): Promise<void>;
  /** Into a queue, as it is. */
  put(queue: string, id: string, message: Uint8Array): Promise<void>;
  /** Over whatever is there. */
  write(store: string, key: string, value: Uint8Array): Promise<void>;
  /** How many queues are known at the broker. */
  queues(): Promise<number>;
  close(): Promise<void>;
}

const nobody = { id: 5, primary: 5, worker: 1, host: 'zz', slot: 0, generation: 1, pid: 1, state: 'ready' };
const taskOf = (id: string, event: string) => ({
  id,
  event,
  key: null,
  from: 0,
  fromId: 5,
  deadline: null,
  redeliveries: 0,
  attempts: 1,
  progress: false,
});

/** The worst that was found: each of these ended processes, or the client's reader. */
const WORST: readonly (readonly [subject: string, header: unknown, payload?: Uint8Array])[] = [
  ['members', { type: 'info' }],
  ['members', { type: 'info', info: null }],
  ['members', { type: 'info', info: { ...nobody, serves: 5, revision: 1 } }],
  ['members', { type: 'info', info: { ...nobody, serves: [null], revision: 1 } }],
  ['members', { type: 'info', info: { ...nobody, host: { toString: 1 }, serves: null, revision: 1 } }],
  ['members', { type: 'heartbeat', heartbeat: null }],
  ['members', { type: 'heartbeat', heartbeat: [] }],
  ['members', { type: 'discover', id: 'x y\r\nPUB foo 1\r\nz\r\n' }],
  ['members', { type: 'who-runs', task: {}, fromId: 'a b' }],
  ['members', { type: 'concluded' }],
  ['members', { type: '\u001B[31mEVIL\nline2' }],
  ['everyone', { event: 'note', from: null, fromId: null, id: null }, Buffer.from([0xc1])],
  ['everyone', { event: 'note', from: 0, fromId: 5, id: 1 }, Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])],
  ['everyone', []],
  ['inbox', { type: 'request', id: null, event: 7, deadline: 'soon' }],
  ['inbox', { type: 'request', id: 1, event: 'where', from: 0, fromId: 'a b', deadline: { at: 1 } }],
  ['inbox', { type: 'reply', id: 1, outcome: 'maybe', slot: 'x', fromId: null }],
  ['inbox', { type: 'result', task: 'x', outcome: 'ok', slot: 0 }],
  ['inbox', { type: 'discover', fromId: '>' }],
  ['inbox', { type: 'info', info: 'x' }],
];

/** Two hosts, and somebody at their broker who says anything. */
export function hostileBroker(broker: Broker, connect: (server: BrokerServer) => Promise<Stranger>): void {
  describeOver(broker)(`at a ${broker.name} where somebody says anything`, () => {
    const apps = useApps();
    let server: BrokerServer;
    let hosts: Hosts;
    let stranger: Stranger;
    beforeAll(async () => {
      server = await broker.start();
      hosts = await Hosts.start(apps, broker.env(server), { messenger: PLACE }, { shared: true });
      stranger = await connect(server);
    });
    afterAll(async () => {
      await stranger?.close();
      await server.destroy();
    });

    let before: readonly number[];
    beforeEach(async () => {
      before = (await hosts.waitUntilFull()).map(({ id }) => id);
    });
    const nobodyHasFailed = async () => {
      expect((await hosts.waitUntilFull()).map(({ id }) => id)).toEqual(before);
      expect(hosts.linesLike(/uncaught|EVIL|is lost|cannot be reached/i)).toEqual([]);
    };

    it('no word ends a process or its connection, and all answer at once', async () => {
      for (const [subject, header, payload] of WORST) {
        const to = subject === 'inbox' ? before.map((id) => `member-${id}`) : [subject];
        for (const one of to) await stranger.say(one, pack(header as object, payload));
      }
      for (const raw of [
        Buffer.alloc(0),
        Buffer.alloc(20, 0xff),
        Buffer.from('\0\0\0\x04null'),
        Buffer.from('\0\0\0\x09{'),
      ])
        for (const subject of ['members', 'everyone', ...before.map((id) => `member-${id}`)])
          await stranger.say(subject, raw);
      const told = () => hosts.linesLike(/could not be read/).length === before.length + hosts.all.size;
      await eventually(told, { what: () => `each process to say it once\n${hosts.text}` });
      const { value } = await hosts.call('a', 'map', 'where');
      expect(value).toHaveLength(before.length);
      await nobodyHasFailed();
    });

    it('tasks that cannot be read leave the queue, and those behind them are run', async () => {
      const queue = queueOf('narrow');
      const worst = [
        Buffer.from('nonsense'),
        pack({}),
        pack(taskOf('no id\r\n', 'narrow')),
        pack(taskOf('of another queue', 'x')),
      ];
      // More of each than all workers have places.
      for (let n = 0; n < 8; n++)
        for (const [i, message] of worst.entries()) await stranger.put(queue, `t5-${i}-${n}`, message);
      expect(await hosts.call('a', 'consume', 'narrow', { n: 1 })).toMatchObject({ value: { n: 1 } });
      await nobodyHasFailed();
    });

    it('listeners by call make no queue each, and run the tasks that somebody has for them', async () => {
      const queues = await stranger.queues();
      await hosts.call('a', 'map', 'listen', 300);
      // Whoever answers has heard who serves more than it lists.
      const ask = (name: string) => hosts.call('b', 'consume', name, undefined, { timeout: 10_000 });
      const runs = async () => (await ask('live.7')).value !== undefined;
      await eventually(runs, { what: () => `a task to be run\n${hosts.text}` });
      expect(await ask('live.299')).toMatchObject({ value: { n: 299 } });
      expect((await ask('live.300')).error).toMatchObject({ code: 'ERR_CLUSTER_NO_HANDLER' });
      expect((await stranger.queues()) - queues).toBeLessThanOrEqual(2);
      await hosts.call('a', 'map', 'listen', 0);
      await nobodyHasFailed();
    });

    it('one dead letter that cannot be read hides no other', async () => {
      // Makes sure that there is a place for letters.
      await hosts.call('a', 'send', 0, 'letters');
      await stranger.write('dead-letters', 'bad-one', Buffer.from('nonsense'));
      await stranger.write('dead-letters', 'good-one', pack({ ...taskOf('good-one', 'work'), died: 1, at: 1 }));
      const { value } = await hosts.call('a', 'send', 0, 'letters');
      expect((value as { id: string }[]).map(({ id }) => id).sort()).toEqual(['bad-one', 'good-one']);
      await nobodyHasFailed();
    });
  });
}
