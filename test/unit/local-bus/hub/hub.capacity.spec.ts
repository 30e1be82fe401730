import { describe, expect, it } from '@jest/globals';
import type { Answer, Task } from '../../../../lib/bus/bus.interface.js';
import type { Encoded } from '../../../../lib/codec/codec.js';
import { type Peer, quiet, TestCluster, text } from '../../bus/cluster.js';

const idsOf = ({ tasks }: Peer): number[] => tasks.map(({ id }) => id);

/** Settles the task that the peer has run longest. */
function settleFirst(peer: Peer, settled = new Set<Task>()): void {
  const task = peer.tasks.find((other) => !settled.has(other))!;
  settled.add(task);
  peer.settle('ok', '', task);
}

describe('a bounded concurrency', () => {
  it('holds tasks back until a worker has room, and then the longest waiting first', async () => {
    const [a, b] = await new TestCluster().workers(2, ['job'], 2);
    for (let i = 0; i < 7; i++) void a!.enqueue('job');
    await quiet();
    expect([a!.tasks.length, b!.tasks.length]).toEqual([2, 2]);
    settleFirst(b!);
    await quiet();
    expect([a!.tasks.length, b!.tasks.length]).toEqual([2, 3]);
    expect(idsOf(b!).at(-1)).toBe(Math.max(...idsOf(a!), ...idsOf(b!)));
  });

  it('gives an idle worker the task that would wait behind a slow one', async () => {
    const [a, b] = await new TestCluster().workers(2, ['job'], 1);
    for (let i = 0; i < 10; i++) void a!.enqueue('job');
    await quiet();
    const settled = new Set<Task>();
    for (let i = 0; i < 8; i++) {
      settleFirst(b!, settled);
      await quiet();
    }
    expect([a!.tasks.length, b!.tasks.length]).toEqual([1, 9]);
  });

  it('of one event holds up no other', async () => {
    const cluster = new TestCluster();
    const a = await cluster.boot(0);
    a.bus.serve([{ event: 'slow', concurrency: 1 }, { event: 'quick' }]);
    cluster.hub.ready(a.id);
    for (let i = 0; i < 5; i++) void a.enqueue('slow');
    for (let i = 0; i < 3; i++) void a.enqueue('quick');
    await quiet();
    expect(a.tasks.map(({ event }) => event)).toEqual(['slow', 'quick', 'quick', 'quick']);
  });

  it('has the events take turns when a worker comes', async () => {
    const cluster = new TestCluster();
    const a = await cluster.boot(0);
    a.bus.serve([{ event: 'x' }, { event: 'y' }]);
    for (let i = 0; i < 3; i++) void a.enqueue('x');
    for (let i = 0; i < 2; i++) void a.enqueue('y');
    await quiet();
    cluster.hub.ready(a.id);
    await quiet();
    expect(a.tasks.map(({ event }) => event)).toEqual(['x', 'y', 'x', 'y', 'x']);
  });

  it('gives room that comes free to the first whose deadline has not passed', async () => {
    const cluster = new TestCluster();
    const [a] = await cluster.workers(1, ['job'], 1);
    void a!.enqueue('job');
    for (let i = 0; i < 3; i++) void a!.enqueue('job', { deadline: cluster.now + 10 });
    void a!.enqueue('job', { payload: Buffer.from('last') });
    await quiet();
    cluster.now += 20;
    settleFirst(a!);
    await quiet();
    expect(a!.tasks.map(({ payload }) => text(payload))).toEqual(['', 'last']);
  });

  it('is that of each worker, as it said last', async () => {
    const cluster = new TestCluster();
    const a = await cluster.worker(0, ['job'], 1);
    for (let i = 0; i < 4; i++) void a.enqueue('job');
    await quiet();
    expect(a.tasks).toHaveLength(1);
    a.bus.serve([{ event: 'job', concurrency: 3 }]);
    await quiet();
    expect(a.tasks).toHaveLength(3);
  });

  it('has room again after a death, and what was run there goes to the front of nobody', async () => {
    const cluster = new TestCluster();
    const [a, b] = await cluster.workers(2, ['job'], 1);
    const answers: Promise<Answer>[] = [];
    for (let i = 0; i < 4; i++) answers.push(b!.enqueue('job'));
    await quiet();
    a!.die();
    await quiet();
    b!.runsEverything();
    settleFirst(b!);
    expect((await Promise.all(answers)).map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(b!.tasks.filter(({ attempt }) => attempt === 2)).toHaveLength(1);
    expect(cluster.warnings).toContainEqual(
      expect.stringMatching(/^1 task\(s\) that slot 0 .* run again elsewhere\.$/),
    );
  });
});

describe('a task given up', () => {
  it('while it waits is never run', async () => {
    const [a] = await new TestCluster().workers(1, ['job'], 1);
    const signal: { cancel?: () => void } = {};
    void a!.enqueue('job');
    void a!.enqueue('job', {}, signal);
    await quiet();
    signal.cancel!();
    await quiet();
    settleFirst(a!);
    await quiet();
    expect(a!.tasks).toHaveLength(1);
    expect(a!.abandoned).toEqual([]);
  });

  it('while it runs: its worker hears of it, and nobody else', async () => {
    const [a, b] = await new TestCluster().workers(2, ['job']);
    const signal: { cancel?: () => void } = {};
    void a!.enqueue('job', {}, signal);
    await quiet();
    const runner = a!.tasks.length > 0 ? a! : b!;
    signal.cancel!();
    await quiet();
    expect(runner.abandoned).toEqual(idsOf(runner));
    expect([...a!.abandoned, ...b!.abandoned]).toHaveLength(1);
  });

  it('by one of its callers goes on for the others', async () => {
    const [a] = await new TestCluster().workers(1, ['job']);
    const signal: { cancel?: () => void } = {};
    void a!.enqueue('job', { key: 'k' }, signal);
    const other = a!.enqueue('job', { key: 'k' });
    await quiet();
    signal.cancel!();
    await quiet();
    expect(a!.abandoned).toEqual([]);
    settleFirst(a!);
    expect((await other).outcome).toBe('ok');
  });

  it('after its deadline is not told: its worker keeps the same clock', async () => {
    const cluster = new TestCluster();
    const [a] = await cluster.workers(1, ['job']);
    const signal: { cancel?: () => void } = {};
    void a!.enqueue('job', { deadline: cluster.now + 10 }, signal);
    await quiet();
    cluster.now += 10;
    signal.cancel!();
    await quiet();
    expect(a!.abandoned).toEqual([]);
  });

  it('is not run again after its worker died, nor after an error', async () => {
    const cluster = new TestCluster();
    const [a, b] = await cluster.workers(2, ['job']);
    const signals: { cancel?: () => void }[] = [{}, {}];
    for (const signal of signals) void a!.enqueue('job', { attempts: 3 }, signal);
    await quiet();
    for (const signal of signals) signal.cancel!();
    await quiet();
    a!.settle('error');
    b!.die();
    await quiet();
    expect([a!.tasks.length, b!.tasks.length]).toEqual([1, 1]);
    expect(cluster.warnings).not.toContainEqual(expect.stringMatching(/run again/));
  });

  it('leaves its key to the next call, whatever comes of it', async () => {
    const [a] = await new TestCluster().workers(1, ['job']);
    const signal: { cancel?: () => void } = {};
    void a!.enqueue('job', { key: 'k' }, signal);
    await quiet();
    signal.cancel!();
    await quiet();
    const next = a!.enqueue('job', { key: 'k' });
    await quiet();
    expect(a!.tasks).toHaveLength(2);
    a!.settle('error', 'aborted', a!.tasks[0]);
    await quiet();
    a!.settle('ok', '', a!.tasks[1]);
    expect((await next).outcome).toBe('ok');
    expect((await a!.enqueue('job', { key: 'k' })).outcome).toBe('ok');
    expect(a!.tasks).toHaveLength(2);
  });
});

/** A worker that runs a task with the key 'k' for which nobody waits any more. */
async function runningPastDeadline(): Promise<Peer> {
  const cluster = new TestCluster();
  const a = await cluster.worker(0, ['job']);
  const signal: { cancel?: () => void } = {};
  void a.enqueue('job', { key: 'k', deadline: cluster.now + 10 }, signal);
  await quiet();
  cluster.now += 20;
  signal.cancel!();
  return a;
}

describe('an error after the deadline', () => {
  it('is no result for later calls with the same key', async () => {
    const a = await runningPastDeadline();
    a.settle('error', 'aborted');
    await quiet();
    void a.enqueue('job', { key: 'k' });
    await quiet();
    expect(a.tasks).toHaveLength(2);
  });

  it('is none either for a call that joined with a later one: the task runs again', async () => {
    const cluster = new TestCluster();
    const [a] = await cluster.workers(1, ['job']);
    void a!.enqueue('job', { key: 'k', deadline: cluster.now + 10 });
    await quiet();
    cluster.now += 20;
    const joined = a!.enqueue('job', { key: 'k', deadline: cluster.now + 1_000 });
    await quiet();
    a!.settle('error', 'aborted');
    await quiet();
    a!.settle('ok', 'done');
    expect((await joined).outcome).toBe('ok');
    expect(a!.tasks.map(({ deadline }) => deadline)).toEqual([1_000_010, 1_001_020]);
  });

  it('an ok is one: a call that comes again gets it', async () => {
    const a = await runningPastDeadline();
    a.settle('ok', 'late');
    await quiet();
    expect((await a.enqueue('job', { key: 'k' })).outcome).toBe('ok');
    expect(a.tasks).toHaveLength(1);
  });
});

describe('progress', () => {
  const listening = () => {
    const heard: string[] = [];
    return { heard, onProgress: (word: Encoded) => void heard.push(text(word)) };
  };

  it('goes to those who want to know, in order and before the result', async () => {
    const [a, b] = await new TestCluster().workers(2, ['job']);
    const [one, two] = [listening(), listening()];
    const answers = [
      a!.enqueue('job', { key: 'k', onProgress: one.onProgress }),
      b!.enqueue('job', { key: 'k', onProgress: two.onProgress }),
      b!.enqueue('job', { key: 'k' }),
    ];
    await quiet();
    const runner = a!.tasks.length > 0 ? a! : b!;
    const [task] = runner.tasks;
    await runner.bus.progress(task!, Buffer.from('half'));
    await runner.bus.progress(task!, Buffer.from('nearly'));
    runner.settle('ok', 'done', task);
    await runner.bus.progress(task!, Buffer.from('too late'));
    await Promise.all(answers);
    await quiet();
    expect(one.heard).toEqual(['half', 'nearly']);
    expect(two.heard).toEqual(['half', 'nearly']);
  });

  it('is taken from the worker that runs the task only', async () => {
    const [a, b] = await new TestCluster().workers(2, ['job']);
    const { heard, onProgress } = listening();
    void a!.enqueue('job', { onProgress });
    await quiet();
    const [runner, other] = a!.tasks.length > 0 ? [a!, b!] : [b!, a!];
    await other.bus.progress(runner.tasks[0]!, Buffer.from('a lie'));
    await quiet();
    expect(heard).toEqual([]);
  });

  it('is refused over the limit', async () => {
    const [a] = await new TestCluster().workers(1, ['job']);
    void a!.enqueue('job');
    await quiet();
    await expect(a!.bus.progress(a!.tasks[0]!, Buffer.alloc(60_000))).rejects.toMatchObject({
      code: 'ERR_CLUSTER_PAYLOAD_TOO_LARGE',
    });
  });
});
