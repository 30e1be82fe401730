import { beforeEach, describe, expect, it } from '@jest/globals';
import type { DistributedBus } from '../../../lib/distributed-bus/distributed-bus.js';
import { MemberAway } from '../../../lib/bus/bus.interface.js';
import { ClusterOptionsError } from '../../../lib/errors/errors.js';
import { queueOf } from '../../../lib/distributed-bus/tasks/task-message.js';
import { pack, WIRE_VERSION } from '../../../lib/distributed-bus/envelope.js';
import type { LeasedTask } from '../../../lib/bus/engine.interface.js';
import { MemoryEngine } from '../../../lib/testing/index.js';
import { failureOf } from '../messenger/failure-of.js';
import { type Peer, bytes, text } from '../bus/cluster.js';
import { DistributedCluster, NO_ANSWER } from './distributed-cluster.js';

const busOf = (peer: Peer) => peer.bus as DistributedBus;
const leadersOf = (peers: readonly Peer[]) => peers.filter((peer) => busOf(peer).leaderToken !== undefined);

describe('the bus over an engine', () => {
  let cluster: DistributedCluster;
  beforeEach(() => {
    cluster = new DistributedCluster();
  });
  const fourWorkers = async (serves: string[] = []) => [
    await cluster.workerOf('b', 0, serves),
    await cluster.workerOf('a', 1, serves),
    await cluster.workerOf('a', 0, serves),
    await cluster.workerOf('b', 1, serves),
  ];

  describe('over hosts', () => {
    it('lists the workers by host and slot, with their hosts', async () => {
      const [first] = await fourWorkers();
      expect(first!.bus.members.map(({ host, slot }) => `${host}${slot}`)).toEqual(['a0', 'a1', 'b0', 'b1']);
    });

    it('says once who is there, and again only when that is another', async () => {
      const first = await cluster.workerOf('a', 0);
      const told = () => first.memberships.map((members) => members.map(({ slot }) => slot).join('')).filter(Boolean);
      await cluster.clock.pass(5_000);
      expect(told()).toEqual(['0']);
      await cluster.workerOf('b', 1);
      await cluster.clock.pass(5_000);
      expect(told()).toEqual(['0', '01']);
    });

    it('hears nothing of a sender that it sent before what was heard of it', async () => {
      const [first, second] = [await cluster.workerOf('a', 0), await cluster.workerOf('b', 0)];
      const sent: Uint8Array[] = [];
      const everyone = cluster.broker.subscribers.get('default/everyone')!;
      everyone.add((message) => sent.push(Uint8Array.from(message)));
      for (const text of ['1', '2']) void first.publish('e', text);
      await cluster.settle();
      // Such as from the buffers of a connection that broke, or from a server that was cut off.
      for (const message of sent.splice(0)) for (const receive of everyone) receive(message);
      void first.publish('e', '3');
      await cluster.settle();
      expect(second.publications).toEqual(['0:e:1', '0:e:2', '0:e:3']);
    });

    it("a primary hears broadcasts, is no worker, and is its own workers' primary only", async () => {
      const primaries = [await cluster.primaryOf('a'), await cluster.primaryOf('b')];
      const worker = await cluster.workerOf('b', 0);
      for (const primary of primaries)
        primary.onRequesting = (request) => primary.bus.reply(request, 'ok', bytes('yes'));
      void worker.publish('e', 'hello');
      void worker.request(0, 'who');
      await cluster.settle();
      expect(primaries.map(({ publications }) => publications)).toEqual([['0:e:hello'], ['0:e:hello']]);
      expect(primaries.map(({ requests }) => requests.length)).toEqual([0, 1]);
      expect(worker.bus.members).toHaveLength(1);
    });

    it('a worker whose primary has buried it is gone at once for all', async () => {
      const primary = await cluster.primaryOf('a');
      const dying = await cluster.workerOf('a', 0);
      const far = await cluster.workerOf('b', 0);
      const failed = failureOf(far.request(dying, 'e'));
      await cluster.settle();
      busOf(primary).addTombstone(dying.id);
      await cluster.settle();
      expect(await failed).toMatchObject({ code: 'ERR_CLUSTER_MEMBER_LOST' });
      expect(far.bus.members.map(({ id }) => id)).toEqual([far.id]);
    });
  });

  describe('a worker that leaves', () => {
    it('is no member any more, takes no task, and finishes what it runs', async () => {
      const leaving = await cluster.worker(0, ['e']);
      const caller = await cluster.worker(1);
      const running = caller.enqueue('e');
      await cluster.settle();
      await cluster.leave(leaving);
      await cluster.settle();
      await leaving.bus.drained;
      expect(caller.bus.members.map(({ id }) => id)).toEqual([caller.id]);
      leaving.settle('ok', 'done');
      await cluster.settle();
      expect(text((await running).payload)).toBe('done');
    });

    it('what it runs when it is closed is written down first', async () => {
      const runner = await cluster.worker(0, ['e']);
      const caller = await cluster.worker(1);
      const asked = caller.enqueue('e');
      await cluster.settle();
      runner.settle('ok', 'done');
      const closed = runner.bus.close();
      await cluster.settle();
      await closed;
      expect(text((await asked).payload)).toBe('done');
    });
  });

  describe('while the broker is down', () => {
    it('calls are refused at once, those that wait for an answer hear of it, and members stay', async () => {
      const [one, two] = [await cluster.worker(0, ['e']), await cluster.worker(1, ['e'])];
      const waiting = failureOf(one.request(two, 'e'));
      await cluster.settle();
      cluster.broker.stop();
      const refused = { code: 'ERR_CLUSTER_NOT_CONNECTED' };
      expect(await waiting).toMatchObject(refused);
      await expect(one.publish('e')).rejects.toMatchObject(refused);
      await expect(one.request(two, 'e')).rejects.toMatchObject(refused);
      await expect(one.enqueue('e')).rejects.toMatchObject(refused);
      await cluster.clock.pass(60_000);
      expect(one.bus.members).toHaveLength(2);
      cluster.broker.start();
      await cluster.clock.pass(5_000);
      expect(one.bus.members).toHaveLength(2);
      void one.publish('e', 'again');
      await cluster.settle();
      expect(two.publications).toEqual(['0:e:again']);
    });

    it('tasks that were accepted are run, and results that were ready are given', async () => {
      const [one, two] = [await cluster.worker(0), await cluster.worker(1, ['e'])];
      const asked = [one.enqueue('e'), one.enqueue('e')];
      await cluster.settle();
      cluster.broker.stop();
      two.settle('ok', 'meanwhile', two.tasks[0]);
      await cluster.clock.pass(1_000);
      cluster.broker.start();
      two.onTasking = (task) => two.settle('ok', 'later', task);
      two.settle('ok', 'later', two.tasks[1]);
      await cluster.outlast();
      expect((await Promise.all(asked)).map(({ payload }) => text(payload))).toEqual(['meanwhile', 'later']);
    });
  });

  it.each([0, 2])(
    'a task that outlasts an outage of its lease runs once, with %d redeliveries',
    async (redeliveries) => {
      const [caller, runner] = [await cluster.worker(0), await cluster.worker(1)];
      runner.bus.serve([{ event: 'e', concurrency: 1 }]);
      await cluster.settle();
      const asked = caller.enqueue('e', { redeliveries });
      await cluster.settle();
      expect(runner.tasks).toHaveLength(1);
      // The only one with room: it is handed the task when the lease has ended.
      const other = await cluster.worker(2, ['e']);
      cluster.broker.stop();
      await cluster.outlast();
      cluster.broker.start();
      await cluster.clock.pass(20_000);
      runner.settle('ok', 'done');
      await cluster.outlast();
      expect(await asked).toMatchObject({ outcome: 'ok' });
      expect(other.tasks).toEqual([]);
    },
  );

  it('a task that outlasts an outage runs once, also where its worker is the last to be back at the broker', async () => {
    const [caller, runner] = [await cluster.worker(0), await cluster.worker(1)];
    runner.bus.serve([{ event: 'e', concurrency: 1 }]);
    await cluster.settle();
    const asked = caller.enqueue('e', { redeliveries: 0 });
    await cluster.settle();
    const other = await cluster.worker(2, ['e']);
    cluster.cutOff(runner);
    cluster.broker.stop();
    await cluster.outlast();
    cluster.broker.start();
    await cluster.clock.pass(3_000);
    cluster.reconnect(runner);
    await cluster.clock.pass(10_000);
    runner.settle('ok', 'done');
    await cluster.outlast();
    expect(await asked).toMatchObject({ outcome: 'ok' });
    expect([runner.tasks.length, other.tasks.length]).toEqual([1, 0]);
  });

  it('a task whose worker died is begun by another in the end, however often that one loses the broker', async () => {
    const [caller, runner] = [await cluster.worker(0), await cluster.worker(1, ['e'])];
    const asked = caller.enqueue('e');
    await cluster.settle();
    expect(runner.tasks).toHaveLength(1);
    const other = await cluster.worker(2, ['e']);
    other.runsEverything();
    await cluster.die(runner);
    for (let i = 0; i < 6; i++) {
      cluster.cutOff(other);
      await cluster.clock.pass(1_200);
      cluster.reconnect(other);
      await cluster.clock.pass(2_000);
    }
    expect(other.tasks).toHaveLength(1);
    expect(await asked).toMatchObject({ outcome: 'ok' });
  });

  it('a task that is looked up by a worker that leaves is begun by another', async () => {
    const [caller, runner] = [await cluster.worker(0), await cluster.worker(1)];
    runner.bus.serve([{ event: 'e', concurrency: 1 }]);
    await cluster.settle();
    const asked = caller.enqueue('e');
    await cluster.settle();
    expect(runner.tasks).toHaveLength(1);
    const leaving = await cluster.worker(2, ['e']);
    cluster.cutOff(runner);
    cluster.broker.stop();
    await cluster.outlast();
    cluster.broker.start();
    await cluster.clock.pass(2_500);
    await cluster.leave(leaving);
    const next = await cluster.worker(3, ['e']);
    next.runsEverything();
    await cluster.clock.pass(15_000);
    expect([leaving.tasks.length, next.tasks.length]).toEqual([0, 1]);
    expect(await asked).toMatchObject({ outcome: 'ok' });
  });

  it('a task that comes back while it is looked up whether it has ended runs once', async () => {
    const [caller, runner] = [await cluster.worker(0), await cluster.worker(1, ['e'])];
    const { broker } = cluster;
    const handOut = broker.handOut.bind(broker);
    broker.handOut = (queue) => {
      broker.handOut = handOut;
      handOut(queue);
      broker.stop();
    };
    const asked = caller.enqueue('e', { key: 'k' });
    await cluster.outlast();
    broker.start();
    await cluster.clock.pass(5_000);
    expect(runner.tasks).toHaveLength(1);
    runner.settle('ok', 'done');
    await cluster.outlast();
    expect(text((await asked).payload)).toBe('done');
    expect(runner.tasks).toHaveLength(1);
  });

  describe('a member that is back at the broker later than others', () => {
    const outage = async () => {
      const [asking, late] = [await cluster.workerOf('a', 0), await cluster.workerOf('b', 0)];
      late.onRequesting = (request) => late.bus.reply(request, 'ok', bytes('here'));
      cluster.cutOff(late);
      cluster.broker.stop();
      await cluster.clock.pass(10_000);
      cluster.broker.start();
      return { asking, late };
    };

    it('gets what it was sent before, once', async () => {
      const { asking, late } = await outage();
      const asked = asking.request(late, 'e');
      await cluster.clock.pass(1_000);
      expect(late.requests).toHaveLength(0);
      cluster.reconnect(late);
      await cluster.settle();
      expect(text((await asked).payload)).toBe('here');
      expect(late.requests).toHaveLength(1);
    });

    it('and is taken for lost meanwhile was surely not asked', async () => {
      const { asking, late } = await outage();
      const failed = failureOf(asking.request(late, 'e'));
      await cluster.clock.pass(2_500);
      expect(await failed).toBeInstanceOf(MemberAway);
      cluster.reconnect(late);
      await cluster.settle();
      expect(late.requests).toHaveLength(0);
    });

    it('keeps no call that was given up', async () => {
      const { asking, late } = await outage();
      const waiter: { cancel?: (() => void) | undefined } = {};
      void asking.ask(late, 'e', bytes(''), Infinity, waiter);
      waiter.cancel?.();
      cluster.reconnect(late);
      await cluster.settle();
      expect(late.requests).toHaveLength(0);
    });
  });

  describe('the leader', () => {
    it('is one over all hosts; when it dies another one takes over within 3 s, with a higher token', async () => {
      const workers = await fourWorkers();
      const [leader, ...others] = leadersOf(workers);
      expect(others).toEqual([]);
      const token = busOf(leader!).leaderToken!;
      const left = workers.filter((peer) => peer !== leader);
      await cluster.die(leader!);
      await cluster.clock.pass(1_000);
      const [next, ...more] = leadersOf(left);
      expect(more).toEqual([]);
      expect(busOf(next!).leaderToken).toBeGreaterThan(token);
      expect(busOf(leader!).leaderToken).toBeUndefined();
    });

    it('hands over at once when it leaves', async () => {
      const workers = [await cluster.worker(0), await cluster.worker(1)];
      expect(leadersOf(workers)).toEqual([workers[0]]);
      await cluster.leave(workers[0]!);
      await cluster.clock.pass(1_500);
      expect(leadersOf(workers)).toEqual([workers[1]]);
    });
  });

  describe('a task that was given up', () => {
    it('can be listed, and tried again', async () => {
      const workers = [await cluster.worker(0, ['e']), await cluster.worker(1, ['e'])];
      const caller = await cluster.worker(2);
      const asked = caller.enqueue('e', { redeliveries: 0, payload: bytes('poison') });
      await cluster.settle();
      const [dying, other] = workers[0]!.tasks.length > 0 ? workers : workers.toReversed();
      await cluster.die(dying!);
      await cluster.outlast();
      expect((await asked).outcome).toBe('lost');
      const letters = busOf(caller).deadLetters;
      const [letter, ...more] = await letters.list();
      expect(more).toEqual([]);
      expect({ ...letter, payload: text(letter!.payload) }).toMatchObject({ event: 'e', died: 1, payload: 'poison' });
      expect(await letters.retry(letter!.id)).toBe(true);
      await cluster.settle();
      expect(other!.tasks.map(({ payload }) => text(payload))).toEqual(['poison']);
      expect(await letters.list()).toEqual([]);
      expect(await letters.retry(letter!.id)).toBe(false);
    });
  });

  it('a key whose task was lost is run anew when it is asked for again, soon or late', async () => {
    for (const wait of [0, 150_000]) {
      const dying = await cluster.worker(0, ['e']);
      const caller = await cluster.worker(2);
      const ask = () => caller.enqueue('e', { key: `after ${wait}`, redeliveries: 0 });
      const lost = ask();
      await cluster.settle();
      const other = await cluster.worker(1, ['e']);
      await cluster.die(dying);
      await cluster.outlast();
      expect((await lost).outcome).toBe('lost');
      await cluster.clock.pass(wait);
      const asked = ask();
      await cluster.settle();
      other.settle('ok', 'done');
      await cluster.settle();
      expect(await asked).toMatchObject({ outcome: 'ok' });
      for (const peer of [caller, other]) await cluster.die(peer);
    }
  }, 30_000);

  it('what cannot be read where the result of a shared task is said harms nobody either', async () => {
    const [one, two] = [await cluster.worker(0, ['e']), await cluster.worker(1)];
    const asked = [two.enqueue('e', { key: 'k' }), two.enqueue('e', { key: 'k' })];
    await cluster.settle();
    const [, receivers] = [...cluster.broker.subscribers].find(([subject]) => subject.startsWith('default/done-'))!;
    for (const receive of receivers) expect(() => receive(bytes('nonsense'))).not.toThrow();
    one.settle('ok', 'done');
    await cluster.settle();
    expect((await Promise.all(asked)).map(({ payload }) => text(payload))).toEqual(['done', 'done']);
  });

  it('a task of another version is left to members of that version', async () => {
    const worker = await cluster.worker(0, ['e']);
    const engine = new MemoryEngine(cluster.broker);
    await engine.connect({ onConnected: () => {}, onDisconnected: () => {}, onWarning: () => {} });
    const message = pack({ v: WIRE_VERSION + 1, id: 'theirs', event: 'e' });
    await engine.enqueue(queueOf('e'), 'theirs', message);
    await cluster.settle();
    expect(worker.tasks).toEqual([]);
    expect(cluster.warnings).toEqual([expect.stringMatching(/another version of nestjs-cluster/)]);
    await cluster.leave(worker);
    const taken: LeasedTask[] = [];
    engine.work(queueOf('e'), 2_000, (task) => taken.push(task)).grant(1);
    await cluster.outlast();
    expect(taken.map(({ id }) => id)).toEqual(['theirs']);
  });

  it('what cannot be read is said, and harms nobody', async () => {
    const [one, two] = [await cluster.worker(0), await cluster.worker(1)];
    for (const receive of cluster.broker.subscribers.get('default/everyone')!) receive(bytes('nonsense'));
    expect(cluster.warnings.some((warning) => /could not be read/.test(warning))).toBe(true);
    void one.publish('e', 'fine');
    await cluster.settle();
    expect(two.publications).toEqual(['0:e:fine']);
  });

  describe('a broker that does not answer at the first contact', () => {
    beforeEach(() => void cluster.refusals.push(NO_ANSWER));

    it('is not waited for where the primary has found none', async () => {
      cluster.contact = { patience: 3_000, isReachable: Promise.resolve(false), endsWithRefusal: false };
      const worker = await cluster.worker(0);
      await expect(worker.enqueue('e')).rejects.toMatchObject({ code: 'ERR_CLUSTER_NOT_CONNECTED' });
    });

    it('counts as away after a second, which is said', async () => {
      cluster.contact = { patience: 0, endsWithRefusal: true };
      const primary = await cluster.primaryOf('a');
      const found: boolean[] = [];
      void busOf(primary)
        .isReachable()
        .then((isReachable) => found.push(isReachable));
      await cluster.clock.pass(700);
      expect(found).toEqual([]);
      await cluster.clock.pass(200);
      expect(found).toEqual([false]);
      expect(cluster.warnings).toEqual([expect.stringContaining('is not reachable')]);
    });
  });

  describe('a broker that refuses at the first contact', () => {
    const refusal = () => new ClusterOptionsError('wrong password');

    it('ends a first start, with its reason', async () => {
      cluster.refusals.push(refusal());
      await expect(cluster.worker(0)).rejects.toThrow('wrong password');
    });

    it('for what may pass by itself is tried again, and the member joins', async () => {
      cluster.refusals.push(new Error('no quorum'), new Error('no quorum'));
      const worker = await cluster.worker(0);
      await cluster.clock.pass(1_000);
      expect(worker.bus.members).toHaveLength(1);
      expect(cluster.warnings).toContain('no quorum');
    });

    it('in a cluster that runs is waited out: the member starts without, and joins when it is let in', async () => {
      cluster.contact = { patience: 1_000, endsWithRefusal: false };
      cluster.refusals.push(...Array.from({ length: 20 }, refusal));
      const worker = await cluster.worker(0);
      await expect(worker.enqueue('e')).rejects.toMatchObject({ code: 'ERR_CLUSTER_NOT_CONNECTED' });
      expect(cluster.warnings.filter((warning) => warning === 'wrong password')).toHaveLength(1);
      cluster.refusals.length = 0;
      await cluster.clock.pass(2_500);
      expect(worker.bus.members).toHaveLength(1);
    });

    it('later than the start waited for it is told', async () => {
      const late: string[] = [];
      cluster.contact = { patience: 0, endsWithRefusal: true, refused: ({ message }) => late.push(message) };
      cluster.refusals.push(refusal());
      const worker = await cluster.worker(0);
      expect(late).toEqual(['wrong password']);
      await cluster.clock.pass(1_000);
      expect(worker.bus.members).toHaveLength(1);
    });
  });
});
