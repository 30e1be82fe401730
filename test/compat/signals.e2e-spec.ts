/** Signals as applications and their surroundings use them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { eventually, fixture, FixtureApp, type FixtureOptions, useApps } from '../support/index.js';

const apps = useApps();
const start = (options: FixtureOptions = {}) =>
  FixtureApp.start(apps, { entry: fixture('compat-signals/main'), group: true, ...options });

/** A request to each worker that is under way. */
async function askAll(app: FixtureApp, ms = 1_000): Promise<Promise<number>[]> {
  const { mark } = app;
  const slots = [0, 1];
  const answers = slots.map((slot) => app.process.jsonFrom(slot, `/slow?ms=${ms}`).then(() => slot));
  for (const slot of slots) await app.process.waitForReport('slow', (report) => report['slot'] === slot, mark);
  return answers;
}

const pidsOf = async (app: FixtureApp) => (await app.members()).map(({ pid }) => pid);

describe.each(['exit', 'async', 'raise'])("the app's own listener of a signal (%s)", (snippet) => {
  const env = { LISTENERS: snippet };

  it.each([
    ['SIGTERM to the primary', (app: FixtureApp) => app.process.kill('SIGTERM'), 'SIGTERM', 15],
    ['SIGTERM to every process', (app: FixtureApp) => app.process.killGroup('SIGTERM'), 'SIGTERM', 15],
    ['SIGINT to every process', (app: FixtureApp) => app.process.killGroup('SIGINT'), 'SIGINT', 2],
  ] as const)('%s: runs once what is in flight is answered, in every process', async (_, act, signal, number) => {
    const app = await start({ env });
    const workers = await pidsOf(app);
    const answers = await askAll(app);
    act(app);
    expect(await Promise.all(answers)).toEqual([0, 1]);
    expect(await app.process.waitForExit()).toEqual({ code: 0, signal: null });
    app.process.assertNothingLeft();
    const ran = app.process.output.reports('listener');
    expect(new Set(ran.map(({ pid }) => pid))).toEqual(new Set([...workers, app.process.pid]));
    expect(ran).toHaveLength(3);
    expect(ran.at(-1)).toMatchObject({ pid: app.process.pid });
    for (const each of ran) expect(each).toMatchObject({ signal, more: [number] });
    // Hooks come first: a listener may end the process.
    expect(app.process.output.reports('hook')).toHaveLength(6);
  });

  it('runs in a worker that a reload replaces, and not in the primary', async () => {
    const app = await start({ env });
    const old = await app.members();
    app.process.kill('SIGHUP');
    await app.waitUntilReplaced(old);
    for (const { pid } of old) {
      await app.process.waitForReport('listener', (report) => report['pid'] === pid && report['signal'] === 'SIGTERM');
    }
    for (const { pid } of old) await app.waitForWorkerEvent('exit', pid);
    expect(app.process.output.reports('listener').map(({ pid }) => pid)).not.toContain(app.process.pid);
    expect(app.process.exit).toBeUndefined();
  });
});

describe('the exit code that a listener chooses', () => {
  it("is the process's", async () => {
    const app = await start({ env: { LISTENERS: 'exit', EXIT_CODE: '7' } });
    app.process.kill('SIGTERM');
    expect(await app.process.waitForExit()).toEqual({ code: 7, signal: null });
    app.process.assertNothingLeft();
  });
});

describe('one event that arrives as several signals', () => {
  it.each([
    ['npm and pnpm', ['SIGINT', 'SIGINT']],
    ['concurrently', ['SIGTERM', 'SIGTERM']],
    ['a runner in a runner', ['SIGINT', 'SIGTERM', 'SIGINT']],
  ] as const)('%s: all that is in flight is answered, exit 0', async (_, echoes) => {
    const app = await start();
    const answers = await askAll(app);
    app.process.killGroup('SIGINT');
    for (const signal of echoes) app.process.kill(signal);
    expect(await Promise.all(answers)).toEqual([0, 1]);
    expect(await app.process.waitForExit()).toEqual({ code: 0, signal: null });
  });
});

describe.each([
  ['an HTTP application', {}],
  ['one that called enableShutdownHooks()', { SHUTDOWN_HOOKS: '1' }],
  ['a microservice', { MICROSERVICE: '1' }],
  ['a microservice that called enableShutdownHooks()', { MICROSERVICE: '1', SHUTDOWN_HOOKS: '1' }],
])('shutdown hooks of %s', (_, env) => {
  const HOOKS = ['beforeApplicationShutdown', 'onApplicationShutdown'];

  it.each(['SIGTERM', 'SIGINT'] as const)('get %s, in workers and primary, once', async (signal) => {
    const app = await start({ env, silentHttp: 'MICROSERVICE' in env });
    const workers = await pidsOf(app);
    app.process.kill(signal);
    expect(await app.process.waitForExit()).toEqual({ code: 0, signal: null });
    for (const pid of [...workers, app.process.pid]) {
      const hooks = app.process.output.reports('hook').filter((report) => report['pid'] === pid);
      expect(hooks.map(({ hook }) => hook)).toEqual(HOOKS);
      expect(hooks.map((hook) => hook['signal'])).toEqual([signal, signal]);
    }
  });
});

describe('readiness', () => {
  const health = (app: FixtureApp) => app.process.request('/health').then(({ status }) => status);

  it('is 503 in every worker from the beginning of the delay on, while requests are served', async () => {
    const app = await start({ cluster: { shutdown: { delay: 120_000 } } });
    expect(await health(app)).toBe(200);
    app.process.kill('SIGTERM');
    for (const slot of [0, 1]) {
      await eventually(
        async () => {
          const { status, text } = await app.process.request('/health', { headers: { 'x-only-slot': String(slot) } });
          const body = JSON.parse(text) as { slot: number; isStopping: boolean };
          return status === 503 && body.slot === slot && body.isStopping;
        },
        { what: `503 from slot ${slot}` },
      );
    }
    expect(await app.identify(0)).toMatchObject({ slot: 0 });
    expect((await app.members()).map(({ state }) => state)).toEqual(['stopping', 'stopping']);
  });

  it("is 503 for as long as Terminus' own timeout says, where there is no delay", async () => {
    const app = await start({ env: { TERMINUS_TIMEOUT: '3000' } });
    const since = Date.now();
    app.process.kill('SIGTERM');
    await eventually(async () => (await health(app)) === 503, { what: '503' });
    expect(await app.identify(1)).toMatchObject({ slot: 1 });
    expect(await app.process.waitForExit()).toEqual({ code: 0, signal: null });
    expect(Date.now() - since).toBeGreaterThanOrEqual(3_000);
  });

  it('does not change in a reload, and Terminus does not hold the old workers up', async () => {
    const app = await start({ env: { TERMINUS_TIMEOUT: '600000' } });
    const old = await app.members();
    const seen = new Set<number | undefined>();
    const load = setInterval(() => void health(app).then((status) => seen.add(status)), 20);
    await app.primary('/reload', {});
    for (const { pid } of old) await app.waitForWorkerEvent('exit', pid);
    clearInterval(load);
    expect([...seen]).toEqual([200]);
  });
});

/** Opens a terminal for what it is given and closes it when it is ended. */
const PTY = 'import pty, sys; pty.spawn(sys.argv[1:])';
const hasPty = spawnSync('python3', ['-c', 'import pty']).status === 0;
// oxlint-disable-next-line jest/no-disabled-tests -- a terminal is made with python3
const describeWhere = hasPty ? describe : describe.skip;
if (!hasPty) process.stderr.write('SKIPPED in a terminal: there is no python3 with the module pty.\n');

describeWhere('in a terminal (where python3 can make one)', () => {
  const closeWindow = (app: FixtureApp) => app.process.kill('SIGKILL');
  /** Its state and its parent. */
  const stateOf = (pid: unknown) => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  const isGone = (app: FixtureApp) =>
    eventually(() => app.process.processes.length === 0, { what: () => `the end of ${app.process.processes}` });

  it.each([
    ['alone', []],
    ['under a shell', ['bash', '--norc', '-ic', '"$0" "$@"; :']],
  ])('%s, whose window is closed, it answers what is in flight and ends', async (_, shell) => {
    const app = await start({ launcher: ['python3', '-c', PTY, ...shell] });
    const answers = await askAll(app);
    closeWindow(app);
    expect(await Promise.all(answers)).toEqual([0, 1]);
    await isGone(app);
  });

  it('in the background it is stopped when a worker sets the mode of the terminal, and goes on after fg', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-cluster-signals-'));
    const go = join(folder, 'go');
    const shell = ['bash', '--norc', '-ic', '"$0" "$@" & until [ -e "$GO" ]; do sleep 0.1; done; fg'];
    const app = await start({ launcher: ['python3', '-c', PTY, ...shell], env: { GO: go } });
    const [, primary] = stateOf((await app.identify(1)).pid);
    const answer = app.process.jsonFrom(1, '/terminal', { method: 'POST', timeout: 60_000 });
    await eventually(() => stateOf(primary)[0] === 'T', { what: 'the primary is stopped' });
    writeFileSync(go, '');
    expect(await answer).toEqual({ isSet: true });
    expect(await app.waitUntilFull()).toHaveLength(2);
    expect(app.process.output.text).not.toMatch(/scale from/);
    rmSync(folder, { recursive: true });
  });

  it('kill -HUP reloads it', async () => {
    const app = await start({ launcher: ['python3', '-c', PTY] });
    const old = await app.members();
    const [primary] = app.process.workers;
    process.kill(primary!, 'SIGHUP');
    expect(await app.waitUntilReplaced(old)).toHaveLength(2);
  });
});
