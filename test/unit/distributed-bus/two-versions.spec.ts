import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Peer, bytes, text } from '../bus/cluster.js';
import { DistributedCluster } from './distributed-cluster.js';
import { WIRE_VERSION } from '../../../lib/distributed-bus/envelope.js';

describe('two versions of the messages on one cluster', () => {
  let cluster: DistributedCluster;
  let ours: Peer;
  let theirs: Peer;
  beforeEach(async () => {
    cluster = new DistributedCluster();
    ours = await cluster.workerOf('a', 0, ['shared', 'only-ours']);
    cluster.version = WIRE_VERSION + 1;
    theirs = await cluster.workerOf('b', 0, ['shared', 'only-theirs']);
    for (const peer of [ours, theirs]) peer.onTasking = (task) => peer.bus.settle(task, 'ok', bytes(`by ${peer.id}`));
    await cluster.clock.pass(1_000);
  });
  const own = (peer: Peer) => [expect.objectContaining({ id: peer.id })];

  it('both say that they do not understand the other, and which release it is', () => {
    const said = cluster.warnings.filter((warning) => /do not understand those of this one/.test(warning));
    expect(said).toEqual([
      expect.stringContaining('messages of version 3, and this process speaks version 2'),
      expect.stringContaining('messages of version 3, and this process speaks version 2'),
    ]);
    expect(said.some((warning) => /nestjs-cluster \(\d+\.\d+\.\d+/.test(warning))).toBe(true);
  });

  it('each sees the members of its own, and reaches those', async () => {
    expect(ours.bus.members).toEqual(own(ours));
    expect(theirs.bus.members).toEqual(own(theirs));
    void ours.publish('e', 'hello');
    await cluster.settle();
    expect([ours.publications, theirs.publications]).toEqual([['0:e:hello'], []]);
  });

  it('tasks of each are run by its own, and none is lost', async () => {
    const asked = [ours, theirs].flatMap((peer) => [1, 2, 3, 4].map(() => peer.enqueue('shared')));
    await cluster.clock.pass(10_000);
    const by = (await Promise.all(asked)).map(({ payload }) => text(payload));
    expect(by).toEqual([...Array(4).fill(`by ${ours.id}`), ...Array(4).fill(`by ${theirs.id}`)]);
  });

  it('what only the other runs has no handler, and is said at once', async () => {
    const asked = ours.enqueue('only-theirs');
    await cluster.settle();
    expect(await asked).toMatchObject({ outcome: 'no-handler' });
  });
});
