import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { type AppProcess, ascending, eventually, fixture, freePort, request, useApps } from '../support/index.js';

const apps = useApps();
const folder = mkdtempSync(join(tmpdir(), 'nestjs-cluster-boots-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;
const others = createServer();
beforeAll(async () => {
  others.listen(0);
  await once(others, 'listening');
});
afterAll(() => void others.close());

interface Boots {
  readonly app: AppProcess;
  readonly secondPort: number;
  /** Another process listens there. */
  readonly takenPort: number;
  /** Changes the code on disk, and what the environment's file says. */
  deploy(build: string, feature?: string): void;
}

async function start(build: string): Promise<Boots> {
  const name = join(folder, String((count += 1)));
  const deploy = (next: string, feature = 'old') => {
    writeFileSync(`${name}.build`, next);
    writeFileSync(`${name}.feature`, feature);
  };
  deploy(build);
  const secondPort = await freePort();
  const takenPort = (others.address() as AddressInfo).port;
  const env = {
    SECOND_PORT: String(secondPort),
    TAKEN_PORT: String(takenPort),
    BUILD: `${name}.build`,
    FEATURE_FILE: `${name}.feature`,
  };
  return { app: await apps.start({ entry: fixture('compat-boots/main'), env }), secondPort, takenPort, deploy };
}

async function reload(app: AppProcess): Promise<void> {
  const { mark } = app.output;
  app.kill('SIGHUP');
  await app.waitForLine(/reload to generation \d+ done/, mark);
}

/** Asks whichever worker answers to do something; resolves to its pid. */
async function tell(app: AppProcess, what: string): Promise<number> {
  const { pid } = await app.json(`/do?what=${encodeURIComponent(what)}`, { method: 'POST' });
  return pid as number;
}

async function askOverTcp(port: number): Promise<number> {
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { port } });
  try {
    return await firstValueFrom(client.send<number>('pid', {}));
  } finally {
    client.close();
  }
}

/** Pids of two workers that answer. */
async function bothOverTcp(port: number): Promise<number[]> {
  const seen = new Set<number>();
  await eventually(async () => seen.add(await askOverTcp(port)).size === 2, { what: () => `two of ${[...seen]}` });
  return ascending(seen);
}

describe('a process that boots the module more than once', () => {
  it('a context before the app, left open: both workers serve, and each is asked once by map()', async () => {
    const { app } = await start('context first');
    const workers = await app.waitUntilReady(2);
    expect(ascending(await app.json('/all'))).toEqual(ascending(workers.map(({ pid }) => pid)));
    expect(await app.stop()).toEqual({ code: 0, signal: null });
  });

  it('an HTTP app and a microservice: both answer, and when the one is closed the other goes on', async () => {
    const { app, secondPort } = await start('two apps');
    const workers = await app.waitUntilReady(2);
    const pids = workers.map(({ pid }) => pid);
    expect(pids).toContain(
      await eventually(() => askOverTcp(secondPort).catch(() => undefined), { what: () => 'an answer over TCP' }),
    );
    const pid = await tell(app, 'close the second');
    await app.waitForReport('closed', (report) => report['pid'] === pid);
    expect((await app.waitUntilReady(2)).map((worker) => worker.pid)).toEqual(pids);
    expect(ascending(await app.json('/all'))).toEqual(ascending(pids));
  });

  it('a build whose context takes its time before the app: the old workers serve until the new ones listen', async () => {
    const { app, deploy } = await start('plain');
    await app.waitUntilReady(2);
    const load = app.load('/', { rate: 20, keepAlive: false });
    await load.answered(10);
    deploy('context first, slowly');
    await reload(app);
    expect((await load.finish()).failures).toEqual({});
    expect((await app.waitUntilReady(2)).map(({ generation }) => generation)).toEqual([2, 2]);
  });
});

describe('an app that does not listen', () => {
  it('is ready after its bootstrap hooks, and is stopped like any other', async () => {
    const { app } = await start('init alone');
    const { mark } = app.output;
    await app.waitForReport('up');
    await reload(app);
    await app.waitForReport('up', undefined, mark);
    expect(await app.stop()).toEqual({ code: 0, signal: null });
  });

  it('does not take the place of one that listens: the reload waits for a server, and the old workers serve', async () => {
    const { app, deploy } = await start('plain');
    await app.waitUntilReady(2);
    deploy('init alone');
    const { mark } = app.output;
    app.kill('SIGHUP');
    await app.waitForLine(/not ready yet: no server listens, and the worker before it listened/, mark);
    expect((await app.waitUntilReady(2)).map(({ generation }) => generation)).toEqual([1, 1]);
  });
});

describe('a microservice whose port another process has', () => {
  it('ends the start with one error', async () => {
    const { app, takenPort } = await start('a microservice at a port of others');
    expect(await app.waitForExit()).toEqual({ code: 1, signal: null });
    const errors = app.output.lines.filter((line) => /exited with code 1 .*EADDRINUSE/.test(line));
    expect(errors).toEqual([expect.stringMatching(new RegExp(`before it was ready: Error: .*:${takenPort}`))]);
    expect(app.output.text).toMatch(/no worker became ready/);
  });

  it('fails a reload with that error, and the old workers serve', async () => {
    const { app, secondPort, deploy } = await start('microservice');
    const pids = await bothOverTcp(secondPort);
    deploy('a microservice at a port of others');
    const { mark } = app.output;
    app.kill('SIGHUP');
    await app.waitForLine(/Reload failed: .* before it was ready.*EADDRINUSE/, mark);
    expect(await bothOverTcp(secondPort)).toEqual(pids);
  });

  it.each([
    ['', /Reload failed: .* exited with code 0 before it was ready/],
    [', with a timer', /not ready yet: a server that was asked to listen does not listen/],
  ])('is not ready where main.ts catches the error%s, and the old workers serve', async (how, line) => {
    const { app, secondPort, deploy } = await start('microservice');
    const pids = await bothOverTcp(secondPort);
    deploy(`a microservice at a port of others, the error caught${how}`);
    const { mark } = app.output;
    app.kill('SIGHUP');
    await app.waitForLine(line, mark);
    expect(await bothOverTcp(secondPort)).toEqual(pids);
  });
});

describe('an HTTP app whose port another process has, and whose main.ts catches the error', () => {
  it('ends when nothing is left to do, with the exit code that it chose', async () => {
    const { app } = await start('a port of others, the error caught');
    expect(await app.waitForExit()).toEqual({ code: 5, signal: null });
  });
});

describe('a hybrid that starts its microservices alone', () => {
  it('answers, is reloaded, and is stopped like any other', async () => {
    const { app, secondPort } = await start('microservices of a hybrid alone');
    await app.waitForLine(/2 workers are ready/);
    const pids = await bothOverTcp(secondPort);
    await reload(app);
    for (const pid of await bothOverTcp(secondPort)) expect(pids).not.toContain(pid);
    expect(await app.stop()).toEqual({ code: 0, signal: null });
  });
});

describe('a script that makes an application', () => {
  it.each([
    ['a script', 0],
    ['a script that closes', 0],
    ['a script that chooses its exit code', 3],
  ])('%s: every worker runs it to its end, and the cluster ends with code %d', async (build, code) => {
    const { app } = await start(build);
    expect(await app.waitForExit()).toEqual({ code, signal: null });
    expect(app.output.reports('ran')).toHaveLength(2);
    if (code === 0) expect(app.output.text).toMatch(/a script that is to run once is started with NESTJS_CLUSTER=off/);
  });
});

describe('an app that listens long after its boot', () => {
  it('is waited for once it was seen to listen: a reload loses nothing', async () => {
    const { app } = await start('listens late');
    const pids = new Set<unknown>();
    const isHeardOf = async () => pids.add((await app.json('/')).pid).size === 2;
    await eventually(() => isHeardOf().catch(() => false), { what: () => `two of ${[...pids]}` });
    const load = app.load('/', { rate: 20, keepAlive: false });
    await load.answered(10);
    await reload(app);
    // Both listen by now: they are asked in turn.
    const answers = [await app.json('/'), await app.json('/'), await app.json('/'), await app.json('/')];
    expect(new Set(answers.map(({ pid }) => pid)).size).toBe(2);
    expect((await load.finish()).failures).toEqual({});
    expect((await app.waitUntilReady(2)).map(({ generation }) => generation)).toEqual([2, 2]);
  });
});

describe('a worker that ends by its own choice', () => {
  it('app.close(): it serves until another worker is ready, then leaves, and nothing is lost', async () => {
    const { app } = await start('plain');
    await app.waitUntilReady(2);
    const load = app.load('/', { rate: 20, keepAlive: true });
    const pid = await tell(app, 'close');
    await app.waitForReport('closed', (report) => report['pid'] === pid);
    await eventually(() => !app.workers.includes(pid), { what: () => `the end of ${pid}` });
    expect((await app.waitUntilReady(2)).map((worker) => worker.pid)).not.toContain(pid);
    expect((await load.finish()).failures).toEqual({});
  });

  it('process.exit(0): its slot is filled again, and the log has no warning of it', async () => {
    const { app } = await start('plain');
    await app.waitUntilReady(2);
    const pid = await tell(app, 'exit');
    await eventually(async () => !(await app.waitUntilReady(2)).some((worker) => worker.pid === pid), {
      what: () => `another worker in place of ${pid}`,
    });
    expect(app.output.text).toMatch(/exited with code 0 by itself/);
    expect(app.output.text).not.toMatch(/WARN|ERROR/);
  });
});

describe('what main.ts does above NestFactory.create', () => {
  it('a server that it opens is drained like any other', async () => {
    const { app, secondPort } = await start('a server above create');
    await app.waitUntilReady(2);
    const answer = request(`http://127.0.0.1:${secondPort}/`, { timeout: 20_000 });
    const { pid } = await app.waitForReport('asked');
    await reload(app);
    expect(await answer).toMatchObject({ status: 200, text: String(pid) });
  });

  it('a server that the primary opens, too: the error names the primary and the remedy', async () => {
    const { app } = await start('a server above create, in the primary too');
    expect(await app.waitForExit()).toEqual({ code: 1, signal: null });
    expect(app.output.text).toMatch(/EADDRINUSE.*The primary itself listens there/);
  });

  it('the folder that it goes to is the same in the primary and in workers', async () => {
    const { app } = await start('another folder above create');
    await app.waitUntilReady(2);
    const folders = app.output.reports('in').map(({ folder }) => folder);
    expect(folders).toHaveLength(3);
    expect(new Set(folders).size).toBe(1);
  });

  it('what it sets in the environment is read anew by new workers', async () => {
    const { app, deploy } = await start('plain');
    expect((await app.waitUntilReady(2)).map((worker) => worker['feature'])).toEqual(['old', 'old']);
    deploy('plain', 'new');
    await reload(app);
    expect((await app.waitUntilReady(2)).map((worker) => worker['feature'])).toEqual(['new', 'new']);
  });
});
