/** What the documentation of node:cluster (v22) describes, through this package. */
import { realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, fixture, FixtureApp, freePort, useApps } from '../support/index.js';

const apps = useApps();
const SCHED_NONE = 1;
const SCHED_RR = 2;

describe('node:cluster: events', () => {
  let app: FixtureApp;
  beforeAll(async () => {
    app = await FixtureApp.start(apps, { shared: true });
  });

  it("'setup' comes with the settings", () => {
    const setup = app.workerEvents().find(({ event }) => event === 'setup');
    expect(setup?.['settings']).toMatchObject({ exec: fixture('app/express.main'), silent: false });
  });

  it("'fork', 'online' and 'listening' come in this order for each worker, with the worker and the address", async () => {
    for (const { pid } of await app.members()) {
      await app.waitForWorkerEvent('listening', pid);
      const events = app.workerEvents().filter((event) => event['pid'] === pid);
      expect(events.map(({ event }) => event)).toEqual(['fork', 'online', 'listening']);
      expect(new Set(events.map(({ id }) => id)).size).toBe(1);
      expect(events.at(-1)!['address']).toMatchObject({ port: app.process.port, addressType: expect.anything() });
    }
  });

  it("'message' comes with the worker and the message", async () => {
    const { pid } = await app.member(0);
    const { mark } = app;
    const messages = ['text', 7, null, { nested: [1] }];
    await app.process.jsonFrom(0, '/process-send', { method: 'POST', body: { messages } });
    await eventually(() => received().length === messages.length, { what: () => `the messages, got ${received()}` });
    expect(received()).toEqual(messages);

    function received() {
      return app
        .workerEvents(mark)
        .filter((event) => event['event'] === 'message' && event['pid'] === pid)
        .map(({ message }) => message);
    }
  });

  it("'disconnect' and 'exit' come with the worker, its code and its signal", async () => {
    const [first, second] = await app.members();
    const { mark } = app;
    process.kill(first!.pid, 'SIGKILL');
    expect(await app.waitForWorkerEvent('exit', first!.pid, mark)).toMatchObject({ code: null, signal: 'SIGKILL' });
    await app.process.jsonFrom(second!.slot, '/crash/exit', { method: 'POST' });
    expect(await app.waitForWorkerEvent('exit', second!.pid, mark)).toMatchObject({ code: 7, signal: null });
    for (const { pid } of [first!, second!]) {
      expect(await app.waitForWorkerEvent('disconnect', pid, mark)).toMatchObject({ isConnected: false });
    }
    await app.waitUntilFull();
  });
});

describe('node:cluster: settings', () => {
  it('args, execArgv, cwd, env and gid are those of the workers', async () => {
    const root = process.getuid?.() === 0;
    const fork = {
      args: ['--color', 'red'],
      execArgv: ['--no-warnings', '--stack-trace-limit=20'],
      cwd: tmpdir(),
      env: { FIXTURE_COLOR: 'blue' },
      // Only root may give a process another group.
      ...(root ? { gid: 65_534 } : {}),
    };
    const app = await FixtureApp.start(apps, { cluster: { workers: 1, fork } });
    expect(await app.process.json('/process')).toMatchObject({
      args: fork.args,
      execArgv: fork.execArgv,
      cwd: realpathSync(tmpdir()),
      color: 'blue',
      gid: root ? 65_534 : process.getgid?.(),
    });
  });

  it('exec is the file the workers run', async () => {
    const exec = fixture('app/exec-target.main');
    const app = await FixtureApp.start(apps, { cluster: { workers: 1, fork: { exec } } });
    expect(await app.process.json('/process')).toMatchObject({ main: exec });
    const ran = app.process.output.reports('exec-target').map(({ pid }) => pid);
    expect(ran).toEqual(app.process.workers);
  });

  it("silent keeps the workers' output from the primary's", async () => {
    const app = await FixtureApp.start(apps, { cluster: { workers: 1, fork: { silent: true } } });
    await app.process.json('/');
    expect(app.process.output.reports('constructed')).toEqual([]);
    expect(app.process.output.reports('control')).toHaveLength(1);
  });

  it('stdio of the workers may be chosen; the bus has its own entry beside', async () => {
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'];
    const app = await FixtureApp.start(apps, { cluster: { fork: { stdio } } });
    expect(app.process.output.reports('constructed')).toEqual([]);
    const { value } = await app.call(0, 'map', 'where');
    expect(value).toHaveLength(2);
  });

  it("serialization 'advanced' carries a Map over process.send", async () => {
    const app = await FixtureApp.start(apps, { cluster: { workers: 1, fork: { serialization: 'advanced' } } });
    const { pid } = await app.member(0);
    await app.process.json('/process-send-map', { method: 'POST' });
    expect(await app.waitForWorkerEvent('message', pid)).toMatchObject({ type: '[object Map]' });
  });

  it('inspectPort is where a worker can be debugged', async () => {
    const inspectPort = await freePort();
    const fork = { execArgv: ['--inspect'], inspectPort };
    const app = await FixtureApp.start(apps, { cluster: { workers: 1, fork } });
    const { inspector } = await app.process.json('/process');
    expect(inspector).toContain(`:${inspectPort}/`);
  });
});

describe('node:cluster: scheduling policies', () => {
  it("round-robin gives each worker its turn: listen 'round-robin' is SCHED_RR", async () => {
    const app = await FixtureApp.start(apps, { cluster: { listen: 'round-robin' } });
    expect(await app.primary('/identify')).toMatchObject({ schedulingPolicy: SCHED_RR });
    const slots: number[] = [];
    for (let i = 0; i < 10; i++) slots.push((await app.process.json('/')).slot);
    expect(slots.filter((slot) => slot === 0)).toHaveLength(5);
    expect(slots.filter((slot) => slot === 1)).toHaveLength(5);
  });

  it("listen 'shared' is SCHED_NONE: the workers accept from one socket", async () => {
    const app = await FixtureApp.start(apps, { cluster: { listen: 'shared' } });
    expect(await app.primary('/identify')).toMatchObject({ schedulingPolicy: SCHED_NONE });
    expect((await app.process.waitUntilReady(2)).map(({ slot }) => slot)).toEqual([0, 1]);
  });
});

describe('node:cluster: Worker', () => {
  let app: FixtureApp;
  beforeAll(async () => {
    app = await FixtureApp.start(apps, { shared: true });
  });

  it('isConnected() and isDead() tell the truth in both processes, alive and gone', async () => {
    const victim = await app.member(0);
    expect(await app.onWorker(victim.pid, 'isConnected')).toBe(true);
    expect(await app.onWorker(victim.pid, 'isDead')).toBe(false);
    expect(await app.process.jsonFrom(0, '/process')).toMatchObject({ isConnected: true, isDead: false });
    process.kill(victim.pid, 'SIGKILL');
    expect(await app.waitForWorkerEvent('exit', victim.pid)).toMatchObject({ isConnected: false, isDead: true });
    await app.waitForReplacement(victim);
  });

  it.each(['primary', 'worker'])('kill(), called in the %s, ends the worker; its slot gets another', async (where) => {
    const victim = await app.member(1);
    if (where === 'primary') await app.onWorker(victim.pid, 'kill');
    else await app.process.jsonFrom(1, '/crash/kill', { method: 'POST' });
    await app.waitForWorkerEvent('exit', victim.pid);
    expect(await app.waitForReplacement(victim)).toMatchObject({ slot: 1, generation: victim.generation });
    await app.waitUntilFull();
  });

  it.each(['primary', 'worker'])(
    'disconnect(), called in the %s, ends the worker; its slot gets another',
    async (where) => {
      const victim = await app.member(1);
      if (where === 'primary') await app.onWorker(victim.pid, 'disconnect');
      else await app.process.jsonFrom(1, '/crash/disconnect', { method: 'POST' });
      await app.waitForWorkerEvent('disconnect', victim.pid);
      await app.waitForWorkerEvent('exit', victim.pid);
      expect(await app.waitForReplacement(victim)).toMatchObject({ slot: 1, generation: victim.generation });
      await app.waitUntilFull();
    },
  );
});

describe('node:cluster: listen(0)', () => {
  it('gives all workers one and the same random port', async () => {
    const app = await FixtureApp.start(apps, { main: 'express', env: { PORT: '0' }, silentHttp: true });
    const ports: number[] = [];
    for (const { pid } of await app.members()) {
      ports.push((await app.waitForWorkerEvent('listening', pid))['address'].port);
    }
    expect(ports[0]).toBeGreaterThan(0);
    expect(ports[1]).toBe(ports[0]);
    const slots = new Set<number>();
    await eventually(
      async () => {
        const response = await fetch(`http://localhost:${ports[0]}/`, { headers: { connection: 'close' } });
        slots.add(((await response.json()) as { slot: number }).slot);
        return slots.size === 2;
      },
      { what: () => `both slots at port ${ports[0]}, got ${[...slots]}` },
    );
  });
});
