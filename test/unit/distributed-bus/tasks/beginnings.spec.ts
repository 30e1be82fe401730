import { beforeEach, describe, expect, it } from '@jest/globals';
import type { DistributedBus } from '../../../../lib/distributed-bus/distributed-bus.js';
import { queueOf } from '../../../../lib/distributed-bus/tasks/task-message.js';
import { pack } from '../../../../lib/distributed-bus/envelope.js';
import { MemoryEngine } from '../../../../lib/testing/index.js';
import { bytes, type Peer, text } from '../../bus/cluster.js';
import { DistributedCluster } from '../distributed-cluster.js';

/** As in the cluster's. */
const LEASE = 2_000;

const lettersOf = (peer: Peer) => (peer.bus as DistributedBus).deadLetters.list();

/*
 * What counts of a task is how often it has begun, not how often a broker has handed it out: a task that was handed into a
 * connection that is gone was run by nobody, and a queue that has lost its memory hands out what has ended.
 */
describe('a task', () => {
  let cluster: DistributedCluster;
  beforeEach(() => {
    cluster = new DistributedCluster();
  });

  const queue = () => cluster.broker.queue(`default/${queueOf('e')}`);

  /** Takes so many tasks and never says a word, as a worker that was cut off. */
  async function swallow(tasks: number): Promise<void> {
    const engine = new MemoryEngine(cluster.broker);
    await engine.connect({ onConnected: () => {}, onDisconnected: () => {}, onWarning: () => {} });
    engine.work(queueOf('e'), LEASE, () => undefined).grant(tasks);
  }

  /** The queue forgets that it was handed out, as where the leader of a stream is lost. */
  function handOutAgain(): void {
    for (const task of queue().tasks.values()) {
      task.attempt = 0;
      cluster.broker.giveBack(queue(), task);
    }
  }

  it.each([0, 2])(
    'that was handed into dead connections again and again runs as the first attempt, with %d redeliveries',
    async (redeliveries) => {
      await swallow(4);
      const [caller, runner] = [await cluster.worker(0), await cluster.worker(1)];
      runner.bus.serve([{ event: 'e', concurrency: 1 }]);
      await cluster.settle();
      // The queue takes turns: these are ahead.
      const places = queue().workers;
      const [ours] = [...places].slice(-1);
      places.delete(ours!);
      const asked = caller.enqueue('e', { redeliveries });
      await cluster.clock.pass(LEASE * 3.5);
      places.add(ours!);
      runner.runsEverything();
      await cluster.outlast();
      expect(runner.tasks.map(({ attempt }) => attempt)).toEqual([1]);
      expect((await asked).outcome).toBe('ok');
      expect(await lettersOf(caller)).toEqual([]);
    },
  );

  it('at most once whose worker died is lost, however its queue counts', async () => {
    const [caller, dying] = [await cluster.worker(0), await cluster.worker(1, ['e'])];
    const asked = caller.enqueue('e', { redeliveries: 0 });
    await cluster.settle();
    expect(dying.tasks).toHaveLength(1);
    await cluster.die(dying);
    const other = await cluster.worker(2, ['e']);
    handOutAgain();
    await cluster.outlast();
    expect((await asked).outcome).toBe('lost');
    expect(other.tasks).toEqual([]);
    expect(await lettersOf(caller)).toMatchObject([{ died: 1 }]);
  });

  it('that has ended is not begun again by a queue that has forgotten that, and leaves it', async () => {
    const [caller, runner] = [await cluster.worker(0), await cluster.worker(1, ['e'])];
    runner.runsEverything();
    const put = new Map<string, Uint8Array>();
    const asked = caller.enqueue('e');
    for (const [id, { message }] of queue().tasks) put.set(id, message);
    await cluster.settle();
    expect((await asked).outcome).toBe('ok');
    expect([put.size, queue().tasks.size]).toEqual([1, 0]);
    for (const [id, message] of put) {
      queue().tasks.set(id, { id, message, attempt: 0, isOut: false, timer: undefined });
      cluster.broker.handOut(queue());
    }
    await cluster.outlast();
    expect(runner.tasks).toHaveLength(1);
    expect(queue().tasks.size).toBe(0);
  });

  it('that runs is not begun a second time where its queue hands it out anew, and another may use the place', async () => {
    const [caller, runner] = [await cluster.worker(0), await cluster.worker(1)];
    runner.bus.serve([{ event: 'e', concurrency: 1 }]);
    await cluster.settle();
    const asked = caller.enqueue('e');
    await cluster.settle();
    const other = await cluster.worker(2);
    other.bus.serve([{ event: 'e', concurrency: 1 }]);
    await cluster.settle();
    handOutAgain();
    await cluster.clock.pass(LEASE * 3);
    expect([runner.tasks.length, other.tasks.length]).toEqual([1, 0]);
    void caller.enqueue('e');
    await cluster.settle();
    expect(other.tasks).toHaveLength(1);
    runner.settle('ok', 'done');
    await cluster.outlast();
    expect(text((await asked).payload)).toBe('done');
  });

  it('that two are handed at the same moment is begun by one', async () => {
    const [caller, one, two] = [
      await cluster.worker(0),
      await cluster.worker(1, ['e']),
      await cluster.worker(2, ['e']),
    ];
    const asked = caller.enqueue('e', { redeliveries: 0 });
    handOutAgain();
    await cluster.outlast();
    const runner = one.tasks.length > 0 ? one : two;
    expect(one.tasks.length + two.tasks.length).toBe(1);
    runner.settle('ok', 'done');
    await cluster.outlast();
    expect((await asked).outcome).toBe('ok');
  });

  it('that runs for longer than records are kept is on record all the same', async () => {
    const [caller, dying] = [await cluster.worker(0), await cluster.worker(1, ['e'])];
    const asked = caller.enqueue('e', { redeliveries: 0 });
    await cluster.clock.pass(400_000);
    expect(dying.tasks).toHaveLength(1);
    await cluster.die(dying);
    const other = await cluster.worker(2, ['e']);
    await cluster.outlast();
    expect((await asked).outcome).toBe('lost');
    expect(other.tasks).toEqual([]);
  }, 60_000);

  it('at most once that was handed out so long ago that a record may be forgotten is not risked', async () => {
    const id = 'old';
    const recorded = { at: 1, primary: 7, unix: 1 };
    const header = { id, event: 'e', key: null, from: 0, fromId: 7, deadline: null, attempts: 1, progress: false };
    const worker = await cluster.worker(0);
    await swallow(1);
    const engine = new MemoryEngine(cluster.broker);
    await engine.connect({ onConnected: () => {}, onDisconnected: () => {}, onWarning: () => {} });
    await engine.enqueue(queueOf('e'), id, pack({ ...header, redeliveries: 0, recorded }, bytes('x')));
    await cluster.settle();
    worker.bus.serve([{ event: 'e' }]);
    await cluster.outlast();
    expect(worker.tasks).toEqual([]);
    expect(await lettersOf(worker)).toMatchObject([{ id, died: 1 }]);
  });

  it('whose listener is gone when it arrives counts as not begun for the one that has it', async () => {
    const [caller, one] = [await cluster.worker(0), await cluster.worker(1, ['e'])];
    one.onTasking = (task) => one.settle('no-handler', '', task);
    const two = await cluster.worker(2);
    const asked = caller.enqueue('e', { redeliveries: 0 });
    two.bus.serve([{ event: 'e' }]);
    two.runsEverything();
    await cluster.outlast();
    expect((await asked).outcome).toBe('ok');
    expect(two.tasks.map(({ attempt }) => attempt)).toEqual([1]);
  });
});

/** A broker that hands out again, before the lease is over, what it hears nothing of: it may have gone nowhere. */
describe('a task that is handed out again before its lease is over', () => {
  const SILENCE = 500;
  let cluster: DistributedCluster;
  let caller: Peer;
  let runner: Peer;
  let other: Peer;
  beforeEach(async () => {
    cluster = new DistributedCluster(SILENCE);
    caller = await cluster.worker(0);
    runner = await cluster.worker(1);
    runner.bus.serve([{ event: 'e', concurrency: 1 }]);
    await cluster.settle();
  });

  /** As soon as it is there. */
  const answered = async <T>(asked: Promise<T>): Promise<T> => {
    let isThere = false;
    void asked.then(() => (isThere = true));
    for (let i = 0; i < 100 && !isThere; i++) await cluster.settle();
    return asked;
  };

  const another = async () => {
    other = await cluster.worker(2);
    other.bus.serve([{ event: 'e', concurrency: 1 }]);
    await cluster.settle();
  };

  it('and was begun by nobody is begun at once', async () => {
    const engine = new MemoryEngine(cluster.broker);
    await engine.connect({ onConnected: () => {}, onDisconnected: () => {}, onWarning: () => {} });
    const queue = cluster.broker.queue(`default/${queueOf('e')}`);
    const [ours] = [...queue.workers];
    queue.workers.delete(ours!);
    engine.work(queueOf('e'), SILENCE, () => undefined).grant(1);
    const asked = caller.enqueue('e', { redeliveries: 0 });
    await cluster.settle();
    queue.workers.add(ours!);
    runner.runsEverything();
    await cluster.clock.pass(SILENCE);
    expect(runner.tasks.map(({ attempt }) => attempt)).toEqual([1]);
    await cluster.settle();
    expect((await asked).outcome).toBe('ok');
  });

  it('and whose worker was only cut off for a while goes on there, and costs the other no place', async () => {
    const asked = caller.enqueue('e', { redeliveries: 0 });
    await cluster.settle();
    await another();
    cluster.cutOff(runner);
    await cluster.clock.pass(LEASE * 0.6);
    void caller.enqueue('e');
    await cluster.settle();
    expect(other.tasks).toHaveLength(1);
    cluster.reconnect(runner);
    await cluster.clock.pass(LEASE * 3);
    expect([runner.tasks.length, other.tasks.length]).toEqual([1, 1]);
    runner.settle('ok', 'done');
    await cluster.outlast();
    expect(text((await asked).payload)).toBe('done');
    expect(await lettersOf(caller)).toEqual([]);
  });

  it('and whose worker died is begun when the lease is over, and others are run meanwhile', async () => {
    const asked = caller.enqueue('e');
    await cluster.settle();
    await another();
    other.runsEverything();
    cluster.cutOff(runner);
    const died = cluster.clock.now();
    await cluster.clock.pass(SILENCE * 2);
    expect((await answered(caller.enqueue('e'))).outcome).toBe('ok');
    await cluster.clock.pass(died + LEASE - SILENCE - cluster.clock.now());
    expect(other.tasks.map(({ attempt }) => attempt)).toEqual([1]);
    expect((await answered(asked)).outcome).toBe('ok');
    expect(other.tasks.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(cluster.clock.now() - died).toBeLessThan(LEASE + 1_000);
  });
});
