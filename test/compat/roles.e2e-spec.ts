import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type AppProcess, fixture, useApps } from '../support/index.js';

const apps = useApps();
const entry = fixture('compat-roles/main');
const folder = mkdtempSync(join(tmpdir(), 'nestjs-cluster-roles-'));
afterAll(() => rmSync(folder, { recursive: true }));

const start = (WAY: string, env: Record<string, string> = {}, cluster: unknown = {}) =>
  apps.start({ entry, env: { WAY, ...env }, cluster });

async function role(app: AppProcess): Promise<string> {
  return (await app.waitForReport('role'))['role'] as string;
}

describe('runs once, in the process that was started', () => {
  it.each([
    ['context', {}, 3],
    ['context', { ASYNC: '1' }, 3],
    ['preview', {}, 0],
    ['preview', { NESTJS_CLUSTER: 'on' }, 0],
    ['test', {}, 0],
    ['test', { NODE_ENV: 'test' }, 0],
    ['application', { NESTJS_CLUSTER: 'off' }, 0],
    ['application', { NODE_TEST_CONTEXT: 'child-v8' }, 0],
  ])('%s %j', async (way, env, code) => {
    const app = await start(way, env);
    expect(await app.waitForExit()).toEqual({ code, signal: null });
    expect(app.output.reports('role')).toMatchObject([{ role: 'standalone', pid: app.pid }]);
  });

  it('a context says by what option it would be a cluster; an application that was told to be none says nothing', async () => {
    const context = await start('context');
    await context.waitForExit();
    expect(context.output.text.match(/contexts: true/g)).toHaveLength(1);
    const application = await start('application', {}, { enabled: false });
    await application.waitForExit();
    expect(application.output.text).not.toContain('[Cluster]');
  });
});

describe('is a cluster', () => {
  it.each<[string, Record<string, string>, unknown]>([
    ['application', {}, {}],
    ['application', { NODE_ENV: 'test' }, {}],
    ['application of a module that is imported late', {}, {}],
    ['context', {}, { contexts: true }],
    ['context', { ASYNC: '1' }, { contexts: true }],
    ['context', { NESTJS_CLUSTER: 'on' }, {}],
    ['application', { NESTJS_CLUSTER: 'on' }, { enabled: false }],
  ])('%s %j %j', async (way, env, cluster) => {
    const app = await start(way, env, cluster);
    const report = await app.waitForReport('role');
    expect(report['role']).toBe('worker');
    expect(app.workers).toEqual([report['pid']]);
  });
});

describe('what a worker starts', () => {
  it.each([
    'application in a child',
    'context in a child',
    'application in a thread',
    'context in a thread',
    'context in a command',
  ])('%s is standalone, and ends', async (way) => {
    const app = await start(way);
    expect(await role(app)).toBe('standalone');
    await app.waitForReport('inner-ended');
    expect(app.output.reports('outer')).toMatchObject([{ role: 'worker' }]);
    await app.stop();
  });

  it('NESTJS_CLUSTER=on is not inherited from the primary', async () => {
    const app = await start('application in a child', { NESTJS_CLUSTER: 'on' });
    expect(await role(app)).toBe('standalone');
    await app.stop();
  });

  it('in a session of its own, as a deploy script is, it is a cluster of its own', async () => {
    const app = await start('application in a session of its own');
    expect(await role(app)).toBe('worker');
  });
});

describe('what cannot be a primary', () => {
  it('NESTJS_CLUSTER=maybe is refused by name', async () => {
    const app = await start('application', { NESTJS_CLUSTER: 'maybe' });
    expect((await app.waitForExit()).code).toBeGreaterThan(0);
    expect(app.output.text).toContain("NESTJS_CLUSTER is 'maybe'; expected 'on' or 'off'");
  });

  it.each([
    ['another primary, by its command', 'primary.mjs', {}, /is process \d+ \(.*primary\.mjs\)/],
    ['PM2', 'primary.mjs', { pm_id: '0' }, /is PM2 in cluster mode.*exec_mode: 'fork'/],
    ["webpack's hot reload", 'webpack.mjs', {}, /is webpack's hot reload.*NESTJS_CLUSTER=off/],
  ])('a worker of %s is told whose it is, and the remedy', async (_, name, env, message) => {
    const file = join(folder, name);
    writeFileSync(
      file,
      `import cluster from 'node:cluster';
       cluster.setupPrimary({ exec: ${JSON.stringify(entry)} });
       cluster.fork().on('exit', (code) => process.exit(code));`,
    );
    const app = await apps.start({ entry: file, env: { WAY: 'application', ...env } });
    expect((await app.waitForExit()).code).toBeGreaterThan(0);
    expect(app.output.text).toMatch(message);
  });

  it('an app that another program imports runs in that program, which is not started again', async () => {
    const bin = join(folder, 'node_modules', 'dev-server');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'bin.mjs'), `console.log('@server {}'); await import(${JSON.stringify(entry)});`);
    const app = await apps.start({ entry: join(bin, 'bin.mjs'), env: { WAY: 'application' } });
    expect(await role(app)).toBe('standalone');
    expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
    expect(app.output.reports('server')).toHaveLength(1);
    expect(app.output.text).toContain('dev-server runs it and has imported the app');
  });

  it('under PM2 in fork mode, which runs the script that its environment names, it is a cluster', async () => {
    const bin = join(folder, 'node_modules', 'pm2', 'lib');
    mkdirSync(bin, { recursive: true });
    const container = join(bin, 'ProcessContainerFork.js');
    writeFileSync(container, `import(require('node:url').pathToFileURL(process.env.pm_exec_path));`);
    const app = await apps.start({ entry: container, env: { WAY: 'application', pm_id: '0', pm_exec_path: entry } });
    expect(await role(app)).toBe('worker');
  });
});
