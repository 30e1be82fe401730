/** Programs around Node: process managers, deployments, debuggers, watchers. */
import { cpSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import {
  type AppOptions,
  type AppProcess,
  eventually,
  fixture,
  isRunning,
  NODE,
  useApps,
  WebSocketClient,
} from '../support/index.js';

const apps = useApps();
const entry = fixture('compat-tools/main');
const start = (options: Partial<AppOptions> = {}) => apps.start({ entry, ...options });

/** Beside the built fixtures: an app finds its packages from there. */
const folder = mkdtempSync(join(dirname(dirname(entry)), '.tools-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Longer than any test may take, in ms. */
const FOR_EVER = 600_000;

/** The app's code in a folder of its own, as a deployment puts it there; resolves to its main file. */
function install(where: string, version: number): string {
  const dist = join(folder, where, 'dist');
  mkdirSync(dist, { recursive: true });
  const built = dirname(dirname(entry));
  for (const part of ['compat-tools', 'app']) cpSync(join(built, part), join(dist, part), { recursive: true });
  cpSync(join(built, 'report.js'), join(dist, 'report.js'));
  setVersion(join(dist, 'compat-tools'), version);
  return join(dist, 'compat-tools', 'main.js');
}

function setVersion(place: string, version: number): void {
  writeFileSync(join(place, 'version.js'), `export const VERSION = ${version};\n`);
}

/** Resolves to both workers when both run that version. */
async function served(app: AppProcess, version: number) {
  return eventually(
    async () => {
      const workers = await app.waitUntilReady(2);
      return workers.every((worker) => worker['version'] === version) && workers;
    },
    { what: () => `version ${version} from both workers\n--- output\n${app.output.text}` },
  );
}

const areGone = (pids: readonly number[]) =>
  eventually(() => !pids.some(isRunning), { what: () => `the end of ${pids.filter(isRunning).join()}` });

describe('a parent with an IPC channel, as PM2 in fork mode is', () => {
  it("hears 'ready' once, when every worker is ready that its app said so, and nothing of the package's own", async () => {
    const app = await start({ ipc: true, env: { READY: '1' } });
    await eventually(() => app.messages.length > 0, { what: () => `'ready'\n--- output\n${app.output.text}` });
    expect(app.workers).toHaveLength(2);
    await app.waitUntilReady(2);
    // Workers come, go, say ready and beat meanwhile.
    app.kill('SIGHUP');
    await app.waitForLine(/reload to generation 2 done/);
    await app.stop();
    expect(app.messages).toEqual(['ready']);
    // What the app heard in all its processes: nothing of the package's either.
    expect(app.output.reports('message')).toEqual([]);
  });

  it('hears nothing of an app that says nothing', async () => {
    const app = await start({ ipc: true });
    await app.waitUntilReady(2);
    await app.stop();
    expect(app.messages).toEqual([]);
    expect(app.output.reports('message')).toEqual([]);
  });

  it("stops the cluster by 'shutdown'; its other messages reach the primary's own listeners, and no worker", async () => {
    const app = await start({ ipc: true });
    await app.waitUntilReady(2);
    app.send('anything');
    const heard = await app.waitForReport('message');
    expect(heard).toMatchObject({ pid: app.pid, message: 'anything' });
    app.send('shutdown');
    expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
    app.assertNothingLeft();
    expect(app.output.reports('message').filter(({ isWorker }) => isWorker === true)).toEqual([]);
  });
});

describe('a release behind a symbolic link', () => {
  it.each([
    ['cd current && node dist/main.js', true],
    ['node current/dist/main.js', false],
  ])('%s: the reload runs what the link points to and names it, and the old release may go', async (_, entersIt) => {
    const root = join(folder, `srv-${entersIt}`);
    const point = (release: string) => {
      symlinkSync(join(root, release), join(root, 'next'));
      renameSync(join(root, 'next'), join(root, 'current'));
    };
    install(`srv-${entersIt}/1`, 1);
    install(`srv-${entersIt}/2`, 2);
    point('1');
    const current = join(root, 'current');
    const cwd = entersIt ? current : root;
    const file = join('dist', 'compat-tools', 'main.js');
    const app = await start({
      entry: entersIt ? join(realpathSync(current), file) : join(current, file),
      cwd,
      env: { PWD: cwd },
    });
    await served(app, 1);
    point('2');
    const report = await app.json('/reload', { method: 'POST' });
    expect(report).toMatchObject({ generation: 2, release: join(root, '2', file) });
    const [one, two] = await served(app, 2);
    rmSync(join(root, '1'), { recursive: true });
    process.kill(one!.pid, 'SIGKILL');
    const after = await eventually(
      async () => {
        const workers = await app.waitUntilReady(2);
        return workers.every(({ pid }) => pid !== one!.pid) && workers;
      },
      { what: () => `another worker than ${one!.pid}\n--- output\n${app.output.text}` },
    );
    expect(after.map((worker) => worker['version'])).toEqual([2, 2]);
    expect(after.map(({ pid }) => pid)).toContain(two!.pid);
    // Its folder may be the one that was removed.
    expect(await app.json('/reload', { method: 'POST' })).toMatchObject({
      generation: 3,
      release: join(root, '2', file),
    });
    expect(await app.stop()).toEqual({ code: 0, signal: null });
  });
});

describe('a debugger', () => {
  const TIMEOUT = 500;

  it('that holds a worker at boot for longer than startup.timeout is waited for', async () => {
    const app = await start({
      execArgv: ['--inspect=0'],
      env: { HELD: '1' },
      cluster: { startup: { timeout: TIMEOUT } },
    });
    const { pid, url } = await app.waitForReport('held');
    const since = performance.now();
    const client = await WebSocketClient.connect((url as string).replace('ws:', 'http:'));
    try {
      // The other worker serves meanwhile, which took the primary's attention as well.
      await eventually(async () => (await app.json('/')).pid !== pid && performance.now() - since > 4 * TIMEOUT, {
        what: () => `the other worker\n--- output\n${app.output.text}`,
      });
      expect(app.workers).toContain(pid);
      expect(app.output.reports('let-go')).toEqual([]);
      client.tell(JSON.stringify({ id: 1, method: 'Runtime.runIfWaitingForDebugger' }));
      const workers = await app.waitUntilReady(2);
      expect(workers.map((worker) => worker.pid)).toContain(pid);
      expect(app.output.reports('held')).toHaveLength(1);
    } finally {
      client.destroy();
    }
    expect(await app.stop()).toEqual({ code: 0, signal: null });
  });
});

describe('processes that a worker has started', () => {
  const left: number[] = [];
  afterEach(() => {
    for (const pid of left.splice(0)) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  });
  const child = async (app: AppProcess, slot: number, query = '') => {
    const { pid } = await app.jsonFrom(slot, `/child${query}`, { method: 'POST' });
    left.push(pid as number);
    return pid as number;
  };

  it('outlive a killed worker and a killed primary where they have a session of their own; others do not', async () => {
    const app = await start();
    const [first] = await app.waitUntilReady(2);
    const detached = await child(app, 0, '?detached');
    const attached = await child(app, 0);
    const [detachedLater, attachedLater] = [await child(app, 1, '?detached'), await child(app, 1)];
    process.kill(first!.pid, 'SIGKILL');
    await areGone([first!.pid, attached]);
    await eventually(async () => (await app.waitUntilReady(2)).every(({ pid }) => pid !== first!.pid), {
      what: () => `another worker in slot 0\n--- output\n${app.output.text}`,
    });
    expect([detached, detachedLater, attachedLater].filter((pid) => !isRunning(pid))).toEqual([]);
    const workers = app.workers;
    app.kill('SIGKILL');
    await areGone([...workers, attachedLater]);
    // Nothing of the cluster is left but these two.
    await eventually(() => app.processes.length === 2, { what: () => `the end of all but two of ${app.processes}` });
    expect(new Set(app.processes)).toEqual(new Set([detached, detachedLater]));
    for (const pid of [detached, detachedLater]) process.kill(pid, 'SIGKILL');
    await areGone([detached, detachedLater]);
  });

  it('outlive the stop of the cluster where they have a session of their own', async () => {
    const app = await start();
    await app.waitUntilReady(2);
    const detached = await child(app, 0, '?detached');
    app.kill('SIGTERM');
    expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
    expect(app.processes).toEqual([detached]);
    process.kill(detached, 'SIGKILL');
    await areGone([detached]);
  });
});

describe('node --watch', () => {
  /** What is in flight would hold a stop for ever, were it no watcher's. */
  const cluster = { shutdown: { timeout: FOR_EVER } };

  it('serves each edit, leaves no process of the old cluster, and no request that hangs holds it up', async () => {
    const main = install('watched', 1);
    const app = await start({ entry: main, execArgv: ['--watch'], cluster });
    await served(app, 1);
    for (const version of [2, 3]) {
      const old = app.processes.filter((pid) => pid !== app.pid);
      expect(old.length).toBeGreaterThanOrEqual(3);
      const { mark } = app.output;
      const hanging = app.request('/hang', { timeout: FOR_EVER }).then(
        () => 'answered',
        () => 'cut',
      );
      await app.waitForReport('hanging', undefined, mark);
      setVersion(dirname(main), version);
      expect(await hanging).toBe('cut');
      await areGone(old);
      await app.waitForLine(/2 workers are ready/, mark);
      await served(app, version);
    }
    app.kill('SIGTERM');
    await app.waitForExit();
    await eventually(() => app.processes.length === 0, { what: () => `the end of ${app.processes}` });
  });

  it.each(['import', 'require'])('serves an edit of a file that workers load later, by %s', async (how) => {
    const main = install(`watched-${how}`, 1);
    const file = join(dirname(main), 'later.cjs');
    const edit = (text: string) => writeFileSync(file, text);
    edit('// old');
    const app = await start({ entry: main, execArgv: ['--watch'], cluster });
    await served(app, 1);
    const { mark } = app.output;
    await app.json(`/load?${new URLSearchParams({ file, how })}`, { method: 'POST' });
    // Nothing says when the watcher has heard of the file.
    let edits = 0;
    const restarts = async () => {
      edit(`// ${(edits += 1)}`);
      return app.waitForLine(/Restarting/, mark, 1_000).catch(() => false);
    };
    await eventually(restarts, { what: 'the restart after an edit' });
    const [, afterwards] = await app.waitForLine(/(2 workers are ready.*)/, mark);
    expect(afterwards).toMatch(/slot 0 .*slot 1 /);
    app.kill('SIGTERM');
    await app.waitForExit();
  });

  it('answers what is in flight before it stops, as ever, where NODE_ENV is production', async () => {
    const main = install('watched-production', 1);
    const app = await start({ entry: main, execArgv: ['--watch'], env: { NODE_ENV: 'production' }, cluster });
    await served(app, 1);
    const [primary] = app.workers;
    // In development it would have been killed long before.
    const answer = app.json('/slow?ms=3000');
    await app.waitForReport('slow');
    process.kill(primary!, 'SIGTERM');
    expect(await answer).toEqual({ slow: true });
    await areGone([primary!]);
  });
});

describe('nodemon', () => {
  it.each(['SIGUSR2', 'SIGHUP'])(
    'its %s stops the cluster, with what hangs in it, and the next one takes its port',
    async (signal) => {
      const bin = join(folder, 'node_modules', 'nodemon', 'bin');
      mkdirSync(bin, { recursive: true });
      const script = join(bin, 'nodemon.js');
      writeFileSync(
        script,
        `const { spawn } = require('node:child_process');
       const [file, ...args] = process.argv.slice(2);
       const start = () => {
         const child = spawn(file, args, { stdio: 'inherit' });
         console.log('@started ' + JSON.stringify({ pid: child.pid }));
         const restart = () => child.kill(process.env.KILL_SIGNAL);
         process.once('SIGUSR1', restart);
         child.once('exit', (code, signal) => {
           process.off('SIGUSR1', restart);
           console.log('@ended ' + JSON.stringify({ pid: child.pid, code, signal }));
           start();
         });
       };
       start();`,
      );
      const app = await start({
        launcher: [NODE, script],
        env: { KILL_SIGNAL: signal },
        cluster: { shutdown: { timeout: FOR_EVER } },
      });
      await app.waitUntilReady(2);
      const old = app.processes.filter((pid) => pid !== app.pid);
      void app.request('/hang', { timeout: FOR_EVER }).catch(() => {});
      await app.waitForReport('hanging');
      const { mark } = app.output;
      // As an edit would have it: SIGUSR1 is the test's own word for that.
      app.kill('SIGUSR1');
      const ended = await app.waitForReport('ended');
      expect(old).toContain(ended['pid']);
      const { pid } = await app.waitForReport('started', undefined, mark);
      await areGone(old);
      await app.waitForLine(/2 workers are ready/, mark);
      await app.waitUntilReady(2);
      expect(isRunning(pid as number)).toBe(true);
      expect(app.output.text).not.toMatch(/EADDRINUSE/);
    },
  );
});
