import { beforeEach, describe, expect, it } from '@jest/globals';
import { DEMAND_KEPT } from '../../../lib/distributed-bus/demand.js';
import { unpack } from '../../../lib/distributed-bus/envelope.js';
import { broadcastMessage } from '../../../lib/distributed-bus/shapes.js';
import { failureOf } from '../messenger/failure-of.js';
import { type Peer, text } from '../bus/cluster.js';
import { DistributedCluster } from './distributed-cluster.js';

describe('events that only listeners by call handle', () => {
  let cluster: DistributedCluster;
  beforeEach(() => {
    cluster = new DistributedCluster();
  });

  const listen = (peer: Peer, ...events: string[]) =>
    peer.bus.serve(events.map((event) => ({ event, onDemand: true })));
  /** At how many queues somebody works. */
  const queues = () => [...cluster.broker.queues.values()].filter(({ workers }) => workers.size > 0).length;
  const answering = (peer: Peer) => (peer.onTasking = (task) => peer.settle('ok', `by ${peer.id}`, task));

  it('make no queue and no message each: 1,000 that come and stay, then go', async () => {
    const worker = await cluster.worker(0, ['job']);
    const said: string[] = [];
    for (const [subject, receivers] of cluster.broker.subscribers) {
      if (subject.endsWith('members'))
        receivers.add((message) => said.push(unpack(message, broadcastMessage).header.type));
    }
    const names: string[] = [];
    for (let n = 0; n < 1_000; n++) {
      names.push(`client.${n}`);
      worker.bus.serve([{ event: 'job' }, ...names.map((event) => ({ event, onDemand: true }))]);
    }
    await cluster.settle();
    worker.bus.serve([{ event: 'job' }]);
    await cluster.settle();
    expect(said.filter((type) => type !== 'heartbeat')).toEqual(['info', 'info']);
    expect(queues()).toBe(1);
  });

  it('are run once somebody asks; the queue goes when nobody does any more', async () => {
    const [one, two] = [await cluster.worker(0), await cluster.worker(1)];
    listen(two, 'live');
    answering(two);
    await cluster.settle();
    expect(queues()).toBe(0);
    for (let round = 0; round < 2; round++) {
      const asked = [one.enqueue('live'), one.enqueue('live')];
      await cluster.settle();
      expect((await Promise.all(asked)).map(({ payload }) => text(payload))).toEqual([`by ${two.id}`, `by ${two.id}`]);
      expect(queues()).toBe(1);
      await cluster.clock.pass(DEMAND_KEPT + 1_000);
      expect(queues()).toBe(0);
    }
  });

  it('the queue stays while a task runs', async () => {
    const [one, two] = [await cluster.worker(0), await cluster.worker(1)];
    listen(two, 'live');
    await cluster.settle();
    const asked = one.enqueue('live', { deadline: Infinity });
    await cluster.clock.pass(DEMAND_KEPT * 2.5);
    two.settle('ok', 'late');
    await cluster.settle();
    expect(text((await asked).payload)).toBe('late');
    expect(two.tasks).toHaveLength(1);
  });

  it('are refused at once where all say no, and after two seconds where one says nothing', async () => {
    const [one, two] = [await cluster.worker(0), await cluster.worker(1)];
    listen(two, 'live');
    await cluster.settle();
    const refused = one.enqueue('other');
    await cluster.settle();
    expect(await refused).toMatchObject({ outcome: 'no-handler' });
    cluster.cutOff(two);
    let outcome: string | undefined;
    void one.enqueue('live').then((answer) => (outcome = answer.outcome));
    await cluster.clock.pass(1_000);
    expect(outcome).toBeUndefined();
    await cluster.clock.pass(1_500);
    expect(outcome).toBe('no-handler');
  });

  it('are refused as anything is where the broker goes away before the answer', async () => {
    const [one, two] = [await cluster.worker(0), await cluster.worker(1)];
    listen(two, 'live');
    await cluster.settle();
    cluster.cutOff(two);
    const refused = failureOf(one.enqueue('live'));
    await cluster.clock.pass(50);
    cluster.broker.stop();
    await cluster.clock.pass(3_000);
    expect(await refused).toMatchObject({ code: 'ERR_CLUSTER_NOT_CONNECTED' });
  });

  it('a task whose listener was removed meanwhile goes to another worker that has one', async () => {
    const [one, two, three] = [await cluster.worker(0), await cluster.worker(1), await cluster.worker(2)];
    listen(two, 'live');
    await cluster.settle();
    const asked = one.enqueue('live');
    await cluster.settle();
    listen(three, 'live');
    answering(three);
    two.bus.serve([]);
    await cluster.settle();
    two.settle('no-handler', '');
    await cluster.clock.pass(1_000);
    expect(text((await asked).payload)).toBe(`by ${three.id}`);
  });

  it('a task whose worker died is run by one that came later', async () => {
    const [one, two] = [await cluster.worker(0), await cluster.worker(1)];
    listen(two, 'live');
    await cluster.settle();
    const asked = one.enqueue('live');
    await cluster.settle();
    expect(two.tasks).toHaveLength(1);
    await cluster.die(two);
    const three = await cluster.worker(2);
    answering(three);
    listen(three, 'live');
    await cluster.clock.pass(20_000);
    expect(text((await asked).payload)).toBe(`by ${three.id}`);
  });
});
