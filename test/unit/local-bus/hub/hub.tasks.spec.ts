import { describe, expect, it } from '@jest/globals';
import type { Answer } from '../../../../lib/bus/bus.interface.js';
import { RESULT_KEPT } from '../../../../lib/local-bus/hub/result-cache.js';
import { Kind, kindOf, newFrame, setId } from '../../../../lib/local-bus/wire/frame.js';
import { BackpressureError } from '../../../../lib/errors/errors.js';
import { bytes, MAX_PAYLOAD, NO_PAYLOAD, QUEUE_LIMIT, quiet, TestCluster, text } from '../../bus/cluster.js';

const plain = ({ outcome, payload, slot }: Answer) => [outcome, text(payload), slot];

describe('a task', () => {
  it('runs in one worker, and its caller gets the result and who gave it', async () => {
    const [a, b, c] = await new TestCluster().workers(3, ['job']);
    for (const peer of [a!, b!, c!]) peer.runsEverything();
    const answer = await a!.enqueue('job', { payload: bytes('work'), key: 'k', deadline: Number.MAX_SAFE_INTEGER });
    const runs = [a!, b!, c!].flatMap(({ tasks }) => tasks);
    expect(runs).toHaveLength(1);
    expect(runs[0]).toMatchObject({ event: 'job', key: 'k', attempt: 1, from: 0, deadline: Number.MAX_SAFE_INTEGER });
    expect(text(runs[0]!.payload)).toBe('work');
    expect(text(answer.payload)).toBe(`by ${answer.slot}`);
  });

  it('may be asked for by the primary and by a worker that is not ready', async () => {
    const cluster = new TestCluster();
    (await cluster.worker(0, ['job'])).runsEverything();
    const primary = await cluster.primary();
    const booting = await cluster.boot(1);
    expect(plain(await primary.enqueue('job'))).toEqual(['ok', 'by 0', 0]);
    expect(plain(await booting.enqueue('job'))).toEqual(['ok', 'by 0', 0]);
  });

  it('never runs in the primary', async () => {
    const cluster = new TestCluster();
    const primary = await cluster.primary();
    primary.bus.serve([{ event: 'job' }]);
    await cluster.worker(0);
    expect(plain(await primary.enqueue('job'))).toEqual(['no-handler', '', 'primary']);
    expect(primary.tasks).toEqual([]);
  });

  it('goes to the worker with the fewest tasks, and round among equally busy ones', async () => {
    const [a, b, c] = await new TestCluster().workers(3, ['job']);
    for (let i = 0; i < 6; i++) void a!.enqueue('job');
    await quiet();
    expect([a, b, c].map((peer) => peer!.tasks.length)).toEqual([2, 2, 2]);
    b!.settle('ok', '', b!.tasks[0]);
    b!.settle('ok', '', b!.tasks[1]);
    await quiet();
    for (let i = 0; i < 2; i++) void a!.enqueue('job');
    await quiet();
    expect([a, b, c].map((peer) => peer!.tasks.length)).toEqual([2, 4, 2]);
  });

  it('goes only to workers that serve its event', async () => {
    const cluster = new TestCluster();
    const a = await cluster.worker(0, ['other']);
    const b = await cluster.worker(1, ['job']);
    for (let i = 0; i < 4; i++) void a.enqueue('job');
    await quiet();
    expect([a.tasks.length, b.tasks.length]).toEqual([0, 4]);
  });

  it('goes to a worker whose events fill many frames; until the last of them is there it serves what it did', async () => {
    const cluster = new TestCluster();
    const many = await cluster.boot(0);
    const events = Array.from({ length: 3_000 }, (_, i) => `${i}.`.padEnd(900, 'x'));
    const sent: number[] = [];
    const send = many.link.send.bind(many.link);
    many.link.send = (frame) => {
      sent.push(frame.length);
      send(frame);
    };
    many.bus.serve(events.map((event) => ({ event, concurrency: undefined })));
    expect(sent.length).toBeGreaterThan(10);
    expect(Math.max(...sent)).toBeLessThan(MAX_PAYLOAD * 2);
    cluster.hub.ready(many.id);
    await quiet();
    many.runsEverything();
    expect(await many.enqueue(events.at(-1)!)).toMatchObject({ outcome: 'ok' });
    expect(await many.enqueue(events[0]!)).toMatchObject({ outcome: 'ok' });

    const link = cluster.stub(1);
    link.receive(newFrame(Kind.SERVE, '', '', bytes('[["job",null]]')));
    const first = newFrame(Kind.SERVE, '', '', bytes('[["other",null]]'));
    setId(first, 1);
    link.receive(first);
    void many.enqueue('job');
    await quiet();
    expect(link.sent.filter((frame) => kindOf(frame) === Kind.TASK)).toHaveLength(1);
    link.receive(newFrame(Kind.SERVE, '', '', bytes('[["more",null]]')));
    void many.enqueue('other');
    void many.enqueue('more');
    await quiet();
    expect(link.sent.filter((frame) => kindOf(frame) === Kind.TASK)).toHaveLength(3);
  });

  it('that no ready worker serves ends as no-handler at once', async () => {
    const [a] = await new TestCluster().workers(2, ['other']);
    expect(plain(await a!.enqueue('job'))).toEqual(['no-handler', '', 'primary']);
  });

  it('waits while no worker is ready', async () => {
    const cluster = new TestCluster();
    const booting = await cluster.boot(0);
    booting.bus.serve([{ event: 'job' }]);
    booting.runsEverything();
    const answer = booting.enqueue('job');
    await quiet();
    expect(booting.tasks).toEqual([]);
    cluster.hub.ready(booting.id);
    expect(plain(await answer)).toEqual(['ok', 'by 0', 0]);
  });

  it('waits no more once the cluster stops and the last worker has left', async () => {
    const cluster = new TestCluster();
    const worker = (await cluster.worker(0, ['job'])).runsEverything();
    const primary = await cluster.primary();
    cluster.hub.expect(0);
    expect(plain(await primary.enqueue('job'))).toEqual(['ok', 'by 0', 0]);
    cluster.hub.suspect(worker.id, true);
    const waiting = primary.enqueue('job');
    cluster.hub.leaving(worker.id);
    expect(plain(await waiting)).toEqual(['stopping', '', 'primary']);
    expect(plain(await primary.enqueue('job'))).toEqual(['stopping', '', 'primary']);
  });

  it('waits for what a worker serves, where the word that it is ready came first', async () => {
    const cluster = new TestCluster();
    const worker = (await cluster.boot(0)).runsEverything();
    cluster.hub.ready(worker.id);
    const answer = worker.enqueue('job');
    await quiet();
    worker.bus.serve([{ event: 'job' }]);
    expect(plain(await answer)).toEqual(['ok', 'by 0', 0]);
  });

  it('waits while the only worker that serves it is suspect', async () => {
    const cluster = new TestCluster();
    const a = await cluster.worker(0, []);
    const b = (await cluster.worker(1, ['job'])).runsEverything();
    cluster.hub.suspect(b.id, true);
    const answer = a.enqueue('job');
    await quiet();
    expect(b.tasks).toEqual([]);
    cluster.hub.suspect(b.id, false);
    expect(plain(await answer)).toEqual(['ok', 'by 1', 1]);
  });

  it('is asked of another worker where the first no longer serves its event', async () => {
    const cluster = new TestCluster();
    const peers = await cluster.workers(2, ['job']);
    for (const peer of peers) peer.onTasking = (task) => peer.settle(peer === peers[0] ? 'no-handler' : 'ok', '', task);
    const answers = [peers[0]!.enqueue('job'), peers[0]!.enqueue('job')];
    expect((await Promise.all(answers)).map(({ outcome, slot }) => [outcome, slot])).toEqual([
      ['ok', 1],
      ['ok', 1],
    ]);
    expect(peers[1]!.tasks.every(({ attempt }) => attempt === 1)).toBe(true);
  });

  it('whose deadline passed while it waited is dropped as expired', async () => {
    const cluster = new TestCluster();
    const worker = await cluster.boot(0);
    worker.bus.serve([{ event: 'job' }]);
    const answer = worker.enqueue('job', { deadline: cluster.now + 10 });
    await quiet();
    cluster.now += 10;
    cluster.hub.ready(worker.id);
    expect(plain(await answer)).toEqual(['expired', '', 'primary']);
    expect(worker.tasks).toEqual([]);
  });

  it('whose caller gave up before a worker took it never runs', async () => {
    const cluster = new TestCluster();
    const worker = await cluster.boot(0);
    worker.bus.serve([{ event: 'job' }]);
    const signal: { cancel?: () => void } = {};
    void worker.enqueue('job', {}, signal);
    void worker.enqueue('job', { payload: bytes('kept') });
    signal.cancel!();
    await quiet();
    cluster.hub.ready(worker.id);
    await quiet();
    expect(worker.tasks.map(({ payload }) => text(payload))).toEqual(['kept']);
  });

  it('can only be ended by the worker that runs it', async () => {
    const cluster = new TestCluster();
    const [a, b] = await cluster.workers(2, ['job']);
    const answer = a!.enqueue('job');
    await quiet();
    const [runner, other] = a!.tasks.length === 1 ? [a!, b!] : [b!, a!];
    other.settle('ok', 'forged', runner.tasks[0]);
    await quiet();
    runner.settle('ok', 'true');
    expect(text((await answer).payload)).toBe('true');
  });

  it('of a caller that died runs nevertheless', async () => {
    const cluster = new TestCluster();
    const caller = await cluster.boot(0);
    const worker = await cluster.boot(1);
    worker.bus.serve([{ event: 'job' }]);
    void caller.enqueue('job').catch(() => undefined);
    await quiet();
    caller.die();
    await quiet();
    cluster.hub.ready(worker.id);
    await quiet();
    expect(worker.tasks).toHaveLength(1);
    worker.settle();
    await quiet();
  });
});

describe('a task whose worker dies', () => {
  it('is run by another one, as the next attempt', async () => {
    const cluster = new TestCluster();
    const [a, b] = await cluster.workers(2, ['job']);
    const caller = await cluster.worker(2);
    const answer = caller.enqueue('job', { payload: bytes('work') });
    await quiet();
    const [runner, other] = a!.tasks.length === 1 ? [a!, b!] : [b!, a!];
    other.runsEverything();
    runner.die();
    expect(plain(await answer)).toEqual(['ok', `by ${other.bus.self.address}`, other.bus.self.address]);
    expect(other.tasks[0]).toMatchObject({ attempt: 2 });
    expect(text(other.tasks[0]!.payload)).toBe('work');
  });

  it('is not run again where its result was sent before the death', async () => {
    const cluster = new TestCluster();
    const a = await cluster.worker(0, ['job']);
    const b = await cluster.worker(1);
    const answer = b.enqueue('job');
    await quiet();
    b.bus.serve([{ event: 'job' }]);
    a.settle('ok', 'done');
    a.die();
    expect(plain(await answer)).toEqual(['ok', 'done', 0]);
    await quiet();
    expect(b.tasks).toEqual([]);
  });

  it('ends as lost when its redeliveries are used up, naming the last worker', async () => {
    const cluster = new TestCluster();
    const primary = await cluster.primary();
    const answer = primary.enqueue('job', { redeliveries: 2 });
    const attempts: number[] = [];
    for (let slot = 0; slot < 3; slot++) {
      const worker = await cluster.worker(slot, ['job']);
      attempts.push(...worker.tasks.map(({ attempt }) => attempt));
      worker.die();
      await quiet();
    }
    expect(plain(await answer)).toEqual(['lost', '', 2]);
    expect(attempts).toEqual([1, 2, 3]);
  });

  it('is lost at once with at most one delivery', async () => {
    const cluster = new TestCluster();
    const primary = await cluster.primary();
    const [a, b] = await cluster.workers(2, ['job']);
    const answer = primary.enqueue('job', { redeliveries: 0 });
    await quiet();
    const [runner, other] = a!.tasks.length === 1 ? [a!, b!] : [b!, a!];
    runner.die();
    expect(plain(await answer)).toEqual(['lost', '', runner.bus.self.address]);
    await quiet();
    expect(other.tasks).toEqual([]);
  });

  it('waits for the next worker where it was the only one', async () => {
    const cluster = new TestCluster();
    const primary = await cluster.primary();
    const first = await cluster.worker(0, ['job']);
    const answer = primary.enqueue('job');
    await quiet();
    first.die();
    await quiet();
    const second = await cluster.worker(0, ['job']);
    expect(second.tasks.map(({ attempt }) => attempt)).toEqual([2]);
    second.settle('ok', 'at last');
    expect(plain(await answer)).toEqual(['ok', 'at last', 0]);
  });
});

describe('a task whose handler throws', () => {
  it('gives its caller the error after one attempt', async () => {
    const [a] = await new TestCluster().workers(1, ['job']);
    a!.onTasking = (task) => a!.settle('error', 'why', task);
    expect(plain(await a!.enqueue('job'))).toEqual(['error', 'why', 0]);
    expect(a!.tasks).toHaveLength(1);
  });

  it('runs again until its attempts are used up', async () => {
    const [a] = await new TestCluster().workers(1, ['job']);
    a!.onTasking = (task) => a!.settle(task.attempt < 3 ? 'error' : 'ok', `${task.attempt}`, task);
    expect(plain(await a!.enqueue('job', { attempts: 5 }))).toEqual(['ok', '3', 0]);
    expect(plain(await a!.enqueue('job', { attempts: 2 }))).toEqual(['error', '2', 0]);
    expect(a!.tasks.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 1, 2]);
  });
});

describe('tasks with the same key', () => {
  it('share one execution and one result', async () => {
    const [a, b] = await new TestCluster().workers(2, ['job']);
    const answers = [a!.enqueue('job', { key: 'k' }), b!.enqueue('job', { key: 'k' }), b!.enqueue('job', { key: 'k' })];
    await quiet();
    const runner = a!.tasks.length === 1 ? a! : b!;
    expect(a!.tasks.length + b!.tasks.length).toBe(1);
    runner.settle('ok', 'shared');
    for (const answer of await Promise.all(answers)) expect(text(answer.payload)).toBe('shared');
  });

  it.each(['ok', 'error'] as const)(
    'get the %s result of the first for five minutes, then run again',
    async (outcome) => {
      const cluster = new TestCluster();
      const [a] = await cluster.workers(1, ['job']);
      a!.onTasking = (task) => a!.settle(outcome, `run ${a!.tasks.length}`, task);
      const run = async () => text((await a!.enqueue('job', { key: 'k' })).payload);
      expect(await run()).toBe('run 1');
      cluster.now += RESULT_KEPT - 1;
      expect(await run()).toBe('run 1');
      cluster.now += 1;
      expect(await run()).toBe('run 2');
    },
  );

  it('but of another event, or without a key, run on their own', async () => {
    const [a] = await new TestCluster().workers(1, ['job', 'other']);
    a!.runsEverything();
    await a!.enqueue('job', { key: 'k' });
    await a!.enqueue('other', { key: 'k' });
    await a!.enqueue('job');
    await a!.enqueue('job');
    expect(a!.tasks).toHaveLength(4);
  });

  it('go on for the others where one caller gives up', async () => {
    const cluster = new TestCluster();
    const worker = await cluster.boot(0);
    worker.bus.serve([{ event: 'job' }]);
    const signal: { cancel?: () => void } = {};
    void worker.enqueue('job', { key: 'k' }, signal);
    const answer = worker.enqueue('job', { key: 'k' });
    await quiet();
    signal.cancel!();
    await quiet();
    cluster.hub.ready(worker.id);
    await quiet();
    worker.settle('ok', 'done');
    expect(text((await answer).payload)).toBe('done');
  });

  it('wait until the latest of their deadlines', async () => {
    const cluster = new TestCluster();
    const [a] = await cluster.workers(1, ['job']);
    const early = a!.enqueue('job', { key: 'k', deadline: cluster.now + 10 });
    await quiet();
    const late = a!.enqueue('job', { key: 'k', deadline: cluster.now + 1000 });
    await quiet();
    cluster.now += 20;
    a!.settle('expired');
    await quiet();
    expect(a!.tasks).toHaveLength(2);
    expect(a!.tasks[1]!.deadline).toBe(cluster.now + 980);
    a!.settle('ok', 'in time');
    expect(text((await late).payload)).toBe('in time');
    await early;
  });

  it('run again where the first was lost', async () => {
    const cluster = new TestCluster();
    const caller = await cluster.worker(9, []);
    const first = await cluster.worker(0, ['job']);
    const lost = caller.enqueue('job', { key: 'k', redeliveries: 0 });
    await quiet();
    first.die();
    expect((await lost).outcome).toBe('lost');
    (await cluster.worker(0, ['job'])).runsEverything();
    expect((await caller.enqueue('job', { key: 'k' })).outcome).toBe('ok');
  });

  it('drop the oldest results, with a warning, when more are kept than there is room for', async () => {
    const cluster = new TestCluster();
    const [a] = await cluster.workers(1, ['job']);
    a!.onTasking = (task) => a!.bus.settle(task, 'ok', Buffer.alloc(MAX_PAYLOAD));
    const rounds = Math.ceil((17 * 1024 * 1024) / MAX_PAYLOAD);
    for (let i = 0; i < rounds; i++) await a!.enqueue('job', { key: `${i}` });
    expect(cluster.warnings).toEqual([expect.stringMatching(/result\(s\) of consume calls with an id were dropped/)]);
    await a!.enqueue('job', { key: `${rounds - 1}` });
    expect(a!.tasks).toHaveLength(rounds);
    await a!.enqueue('job', { key: '0' });
    expect(a!.tasks).toHaveLength(rounds + 1);
  });
});

describe('a worker that leaves', () => {
  it('gets no new task, and the results of what it runs still count', async () => {
    const cluster = new TestCluster();
    const [a, b] = await cluster.workers(2, ['job']);
    const first = [a!.enqueue('job'), a!.enqueue('job')];
    await quiet();
    expect([a!.tasks.length, b!.tasks.length]).toEqual([1, 1]);
    cluster.hub.leaving(b!.id);
    a!.runsEverything();
    await a!.enqueue('job');
    b!.settle('ok', 'finished');
    a!.settle('ok', 'a', a!.tasks[0]);
    expect((await Promise.all(first)).map(({ payload }) => text(payload)).sort()).toEqual(['a', 'finished']);
    expect(b!.tasks).toHaveLength(1);
  });
});

describe('tasks that wait for a worker', () => {
  it('are bounded: over the limit their caller hears of backpressure', async () => {
    const cluster = new TestCluster();
    const caller = await cluster.boot(0);
    const payload = Buffer.alloc(MAX_PAYLOAD / 2);
    const answers: Promise<Answer>[] = [];
    for (let i = 0; i < 10; i++) answers.push(caller.enqueue('job', { payload }));
    const settled = Promise.allSettled(answers);
    await quiet();
    caller.bus.serve([{ event: 'job' }]);
    caller.runsEverything();
    cluster.hub.ready(caller.id);
    const results = await settled;
    const taken = results.filter(({ status }) => status === 'fulfilled').length;
    expect(taken).toBe(Math.floor(QUEUE_LIMIT / (payload.length + 512)));
    for (const result of results.slice(taken)) {
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(BackpressureError) });
    }
  });

  it('make room where their deadlines have passed', async () => {
    const cluster = new TestCluster();
    const caller = await cluster.boot(0);
    const payload = Buffer.alloc(MAX_PAYLOAD);
    const old = caller.enqueue('job', { payload, deadline: cluster.now + 5 });
    await quiet();
    cluster.now += 5;
    void caller.enqueue('job', { payload }).catch(() => undefined);
    const last = caller.enqueue('job', { payload: NO_PAYLOAD });
    void caller.enqueue('job', { payload }).catch(() => undefined);
    expect((await old).outcome).toBe('expired');
    caller.bus.serve([{ event: 'job' }]);
    caller.runsEverything();
    cluster.hub.ready(caller.id);
    expect((await last).outcome).toBe('ok');
  });
});
