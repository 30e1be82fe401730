/** What ThinkJS and think-cluster do for an app, as their documentation tells it. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { ascending, eventually, FixtureApp, useApps } from '../support/index.js';

const apps = useApps();

describe('ThinkJS: workers: 0', () => {
  it('is one worker for each CPU that the process may use', async () => {
    const cpus = quota() ?? availableParallelism();
    const app = await FixtureApp.start(apps, { cluster: { workers: 0 } }, cpus);
    expect(app.process.workers).toHaveLength(cpus);
  });

  it('is one worker when the process is pinned to one CPU', async () => {
    const app = await FixtureApp.start(apps, { cluster: { workers: 0 }, launcher: ['taskset', '-c', '0'] }, 1);
    expect(app.process.workers).toHaveLength(1);
  });

  /** Whole CPUs a cgroup grants, at least one; undefined without a limit. */
  function quota(): number | undefined {
    try {
      const [granted, period] = readFileSync('/sys/fs/cgroup/cpu.max', 'utf8').trim().split(' ');
      if (granted === 'max') return undefined;
      return Math.min(availableParallelism(), Math.max(1, Math.floor(Number(granted) / Number(period))));
    } catch {
      return undefined; // no cgroup v2 here
    }
  }
});

describe('ThinkJS: messenger and workers', () => {
  let app: FixtureApp;
  beforeAll(async () => {
    app = await FixtureApp.start(apps, { shared: true, cluster: { workers: 3 } });
  });

  it('broadcast reaches every worker, the sender too', async () => {
    const { mark } = app;
    expect(await app.call(1, 'broadcast', 'note', 'hello')).not.toHaveProperty('error');
    for (const slot of [0, 1, 2]) {
      await app.process.waitForReport('note', (note) => note['slot'] === slot && note['text'] === 'hello', mark);
    }
    await app.flush();
    const notes = app.process.output.reports('note', mark).filter(({ role }) => role === 'worker');
    expect(notes.map(({ slot, source }) => ({ slot, source })).sort((a, b) => a.slot - b.slot)).toEqual([
      { slot: 0, source: 1 },
      { slot: 1, source: 1 },
      { slot: 2, source: 1 },
    ]);
  });

  it.each([0, 1, 2, 'primary'] as const)('consume runs in one worker, called from %s', async (caller) => {
    const { mark } = app;
    const { value } = await app.call(caller, 'consume', 'job', {});
    await app.flush();
    const runs = app.process.output.reports('job', mark);
    expect(runs).toHaveLength(1);
    expect(runs[0]).toMatchObject(value);
  });

  it("map returns an array of all workers' results", async () => {
    const { value } = await app.call(0, 'map', 'where');
    expect(ascending(value.map(({ slot }: { slot: number }) => slot))).toEqual([0, 1, 2]);
    expect(ascending(value.map(({ pid }: { pid: number }) => pid))).toEqual(ascending(app.process.workers));
  });

  it('a custom message of a worker reaches the master, and its answer the worker', async () => {
    const { pid } = await app.member(2);
    const { mark } = app;
    await app.process.jsonFrom(2, '/process-send', { method: 'POST', body: { messages: [{ act: 'custom', n: 1 }] } });
    const event = await app.waitForWorkerEvent('message', pid, mark);
    expect(event['message']).toEqual({ act: 'custom', n: 1 });
    await app.onWorker(pid, 'send', { act: 'answer', n: 2 });
    await eventually(
      async () => {
        const heard: unknown[] = await app.process.jsonFrom(2, '/heard');
        return heard.some((message) => JSON.stringify(message) === '{"act":"answer","n":2}');
      },
      { what: 'the answer in the worker' },
    );
  });

  it('a worker that crashes gets a successor', async () => {
    const victim = await app.member(1);
    await app.process.jsonFrom(1, '/crash/exit', { method: 'POST' });
    const successor = await app.waitForReplacement(victim);
    expect(successor).toMatchObject({ slot: 1 });
    await app.waitUntilFull();
  });

  it("a child's process.send('think-cluster-reload-workers') reloads all workers", async () => {
    const old = await app.members();
    const body = { messages: ['think-cluster-reload-workers'] };
    await app.process.jsonFrom(0, '/process-send', { method: 'POST', body });
    const fresh = await app.waitUntilReplaced(old);
    expect(fresh.map(({ slot }) => slot)).toEqual([0, 1, 2]);
    expect(new Set(fresh.map(({ generation }) => generation))).toEqual(new Set([old[0]!.generation + 1]));
  });
});
