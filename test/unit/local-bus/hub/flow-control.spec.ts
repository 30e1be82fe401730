import { describe, expect, it } from '@jest/globals';
import { ByteRange } from '../../../../lib/codec/byte-range.js';
import {
  idOf,
  Kind,
  kindOf,
  newFrame,
  setDeadline,
  setId,
  setTarget,
  targetOf,
  type Frame,
} from '../../../../lib/local-bus/wire/frame.js';
import { BackpressureError } from '../../../../lib/errors/errors.js';
import type { NumberTable } from '../../../../lib/platform/number-table.js';
import { failureOf } from '../../messenger/failure-of.js';
import {
  bytes,
  MAX_PAYLOAD,
  type Peer,
  QUEUE_LIMIT,
  quiet,
  type StubLink,
  TestCluster,
  text,
  viewOf,
} from '../../bus/cluster.js';

const kinds = (link: StubLink, kind: number) => link.sent.filter((frame) => kindOf(frame) === kind);
const HARD_BOUND = 4 * QUEUE_LIMIT + 1024 * 1024;

/** Two workers, and a third that takes nothing until the test drains it. */
async function withSlow() {
  const cluster = new TestCluster();
  const [a, b] = (await cluster.workers(2)) as [Peer, Peer];
  const slow = cluster.stub(2);
  await quiet();
  return { cluster, a, b, slow };
}

function stall(slow: StubLink): void {
  slow.stalled = true;
  slow.queued = QUEUE_LIMIT;
}

function watch(promise: Promise<unknown>): { state: string } {
  const watched = { state: 'waiting' };
  promise.then(
    () => (watched.state = 'done'),
    (error: Error) => (watched.state = error.constructor.name),
  );
  return watched;
}

describe('a member that does not keep up', () => {
  it('makes broadcasts wait until its queue is under half of the limit', async () => {
    const { a, b, slow } = await withSlow();
    stall(slow);
    await a.publish('1');
    await quiet();
    const waiting = watch(a.publish('2'));
    await quiet();
    expect(waiting.state).toBe('waiting');
    expect(b.publications).toEqual(['0:1:']);
    slow.drain(QUEUE_LIMIT / 2);
    await quiet();
    expect(waiting.state).toBe('waiting');
    slow.drain(QUEUE_LIMIT / 2 - 1);
    await quiet();
    expect(waiting.state).toBe('done');
    expect(b.publications).toEqual(['0:1:', '0:2:']);
  });

  it('makes requests to it wait, and no other', async () => {
    const { a, b, slow } = await withSlow();
    stall(slow);
    b.onRequesting = (request) => b.bus.reply(request, 'ok', bytes('b'));
    await a.publish('fill');
    await quiet();
    void a.request(slow.id, 'later');
    expect(text((await a.request(b, 'now')).payload)).toBe('b');
    expect(kinds(slow, Kind.REQUEST)).toHaveLength(0);
    slow.drain();
    await quiet();
    expect(kinds(slow, Kind.REQUEST)).toHaveLength(1);
  });

  it('makes a request to several wait for it alone', async () => {
    const { a, b, slow } = await withSlow();
    stall(slow);
    b.onRequesting = (request) => b.bus.reply(request, 'ok', bytes('b'));
    await a.publish('fill');
    await quiet();
    const [later, now] = a.requestEach([slow.id, b], 'e');
    expect(text((await now!).payload)).toBe('b');
    expect(kinds(slow, Kind.REQUEST)).toHaveLength(0);
    slow.drain();
    await quiet();
    expect(kinds(slow, Kind.REQUEST)).toHaveLength(1);
    const failed = failureOf(later!);
    slow.abort('dead');
    expect(await failed).toMatchObject({ code: 'ERR_CLUSTER_MEMBER_LOST' });
  });

  it('keeps the order of what waited for it and what came after', async () => {
    const { a, b, slow } = await withSlow();
    stall(slow);
    await a.publish('fill');
    await quiet();
    const order: string[] = [];
    b.onPublishing = ({ event }) => order.push(event);
    b.onRequesting = ({ event }) => order.push(event);
    void a.publish('1');
    void a.request(b, '2');
    void a.publish('3');
    await quiet();
    expect(order).toEqual([]);
    slow.stalled = false;
    slow.drain();
    await quiet();
    expect(order).toEqual(['1', '2', '3']);
    expect(kinds(slow, Kind.PUBLISH)).toHaveLength(3);
  });

  it('is not waited for by itself', async () => {
    const { slow } = await withSlow();
    stall(slow);
    const before = slow.sent.length;
    slow.receive(newFrame(Kind.PUBLISH, 'own'));
    expect(slow.sent).toHaveLength(before);
  });

  it.each<[string, (cluster: TestCluster, slow: StubLink & { id: number }) => void]>([
    ['becomes suspect', (cluster, slow) => cluster.hub.suspect(slow.id, true)],
    ['leaves', (cluster, slow) => cluster.hub.leaving(slow.id)],
    ['dies', (_, slow) => slow.abort('dead')],
  ])('is waited for no more once it %s', async (_, happen) => {
    const { cluster, a, b, slow } = await withSlow();
    stall(slow);
    await a.publish('fill');
    await quiet();
    const waiting = watch(a.publish('next'));
    await quiet();
    expect(waiting.state).toBe('waiting');
    happen(cluster, slow);
    await quiet();
    expect(waiting.state).toBe('done');
    expect(b.publications).toContain('0:next:');
  });

  it('that is heard again after it was suspect is waited for again', async () => {
    const { cluster, a, slow } = await withSlow();
    stall(slow);
    await a.publish('fill');
    cluster.hub.suspect(slow.id, true);
    cluster.hub.suspect(slow.id, false);
    await quiet();
    const waiting = watch(a.publish('next'));
    await quiet();
    expect(waiting.state).toBe('waiting');
  });

  it('is known to a worker that comes later', async () => {
    const { cluster, a, slow } = await withSlow();
    stall(slow);
    await a.publish('fill');
    await quiet();
    const late = await cluster.boot(3);
    await quiet();
    expect(watch(late.publish('e')).state).toBe('waiting');
    await quiet();
    expect(kinds(slow, Kind.PUBLISH)).toHaveLength(1);
  });

  it('fails a waiting request when it dies, as refused', async () => {
    const { a, slow } = await withSlow();
    stall(slow);
    await a.publish('fill');
    await quiet();
    const waiting = watch(a.request(slow.id, 'e'));
    slow.abort('dead');
    await quiet();
    expect(waiting.state).toBe('DeliveryRefused');
  });

  it('lets a caller give up a request that waits, which is then never sent', async () => {
    const { a, slow } = await withSlow();
    stall(slow);
    await a.publish('fill');
    await quiet();
    const signal: { cancel?: () => void } = {};
    void a.ask(slow.id, 'e', bytes(''), Infinity, signal);
    signal.cancel!();
    slow.stalled = false;
    slow.drain();
    await quiet();
    expect(kinds(slow, Kind.REQUEST)).toHaveLength(0);
  });

  it('makes a sender fail with BackpressureError once its waiting calls are over the limit', async () => {
    const { a, slow } = await withSlow();
    stall(slow);
    await a.publish('fill');
    await quiet();
    const payload = Buffer.alloc(MAX_PAYLOAD - 100);
    const first = a.bus.publish('1', payload);
    const second = a.bus.publish('2', payload);
    await expect(a.bus.publish('3', payload)).rejects.toThrow(BackpressureError);
    await expect(a.bus.publish('3', payload)).rejects.toThrow(/limit of 100000 \(messenger.queueLimit\)/);
    slow.stalled = false;
    slow.drain();
    await Promise.all([first, second]);
    await a.bus.publish('4', payload);
    await quiet();
    expect(kinds(slow, Kind.PUBLISH)).toHaveLength(4);
  });

  it('gets no new task while another can take it', async () => {
    const { cluster, a, slow } = await withSlow();
    slow.receive(newFrame(Kind.SERVE, '', '', bytes('[["job",null]]')));
    const willing = (await cluster.worker(3, ['job'])).runsEverything();
    stall(slow);
    await a.publish('fill');
    await quiet();
    await Promise.all([a.enqueue('job'), a.enqueue('job'), a.enqueue('job')]);
    expect(willing.tasks).toHaveLength(3);
  });

  it('gets the task that waited for it when it takes frames again', async () => {
    const { a, slow } = await withSlow();
    slow.receive(newFrame(Kind.SERVE, '', '', bytes('[["job",null]]')));
    stall(slow);
    await a.publish('fill');
    void a.enqueue('job');
    await quiet();
    expect(kinds(slow, Kind.TASK)).toHaveLength(0);
    slow.drain();
    await quiet();
    expect(kinds(slow, Kind.TASK)).toHaveLength(1);
  });
});

describe('a member far over its limit, whose senders do not wait', () => {
  const flood = (kind: number, edit: (frame: Frame) => void = () => undefined) => {
    const frame = newFrame(kind, 'e', '', Buffer.alloc(MAX_PAYLOAD));
    edit(frame);
    return frame;
  };

  it('loses broadcasts, which are counted and warned about; its queue stays bounded', () => {
    const cluster = new TestCluster();
    const [rude, slow, healthy] = [cluster.stub(0), cluster.stub(1), cluster.stub(2)];
    slow.stalled = true;
    for (let i = 0; i < 100; i++) rude.receive(flood(Kind.PUBLISH));
    expect(slow.queued).toBeGreaterThan(HARD_BOUND);
    expect(slow.queued).toBeLessThan(HARD_BOUND + 2 * MAX_PAYLOAD);
    expect(kinds(healthy, Kind.PUBLISH)).toHaveLength(100);
    expect(cluster.hub.dropped).toBe(100 - kinds(slow, Kind.PUBLISH).length);
    expect(cluster.warnings).toEqual([expect.stringMatching(/1 broadcast\(s\) were dropped for slot 1/)]);
  });

  it('gets no requests; their caller hears that they were refused', () => {
    const cluster = new TestCluster();
    const [rude, slow] = [cluster.stub(0), cluster.stub(1)];
    slow.queued = HARD_BOUND + 1;
    rude.receive(
      flood(Kind.REQUEST, (frame) => {
        setId(frame, 42);
        setTarget(frame, slow.id);
      }),
    );
    expect(kinds(slow, Kind.REQUEST)).toHaveLength(0);
    expect(kinds(rude, Kind.REFUSED).map(idOf)).toEqual([42]);
  });

  it('gets, in place of an answer, the word that it had no room', () => {
    const cluster = new TestCluster();
    const [other, slow] = [cluster.stub(0), cluster.stub(1)];
    slow.queued = HARD_BOUND + 1;
    other.receive(
      flood(Kind.REPLY, (frame) => {
        setId(frame, 42);
        setTarget(frame, slow.id);
      }),
    );
    expect(kinds(slow, Kind.REPLY)).toHaveLength(0);
    expect(kinds(slow, Kind.OVERFLOW).map(idOf)).toEqual([42]);
  });

  it('is cut off when it asks on without reading a single answer', () => {
    const cluster = new TestCluster();
    const [other, slow] = [cluster.stub(0), cluster.stub(1)];
    slow.stalled = true;
    const ask = newFrame(Kind.REQUEST, 'e');
    setTarget(ask, 99);
    for (let i = 0; i < 100_000 && slow.aborted === undefined; i++) slow.receive(ask);
    expect(slow.aborted).toMatch(/bytes waiting, reads none of them and still sends/);
    expect(slow.queued).toBeLessThan(2 * HARD_BOUND + 100);
    expect(kinds(other, Kind.LOST).map(targetOf)).toEqual([slow.id]);
  });
});

it('a small task that waits does not keep the memory of the whole chunk it came in', () => {
  const cluster = new TestCluster();
  const caller = cluster.stub(0);
  const chunk = Buffer.allocUnsafeSlow(64 * 1024);
  const task = newFrame(Kind.TASK, 'job', '', bytes('small'));
  setDeadline(task, Infinity);
  caller.receive(new ByteRange(chunk, 0, viewOf(task).copy(chunk)));
  const { tasks } = (cluster.hub as unknown as { tasks: { tasks: NumberTable<{ frame: Frame }> } }).tasks;
  expect(tasks.size).toBe(1);
  for (const [, { frame }] of tasks.entries())
    expect(frame.bytes.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
});
