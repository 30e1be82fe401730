/** Responses that take long, and connections that are used now and then, while their worker is drained. */
import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { afterEach, describe, expect, it } from '@jest/globals';
import { areWholeLines, CLIENT_IDLE, drainingApp, type FixtureApp, useApps, withTls } from '../support/index.js';

const apps = useApps();
const agents: Agent[] = [];
afterEach(() => agents.splice(0).forEach((agent) => agent.destroy()));

/** In ms. Idle connections are left to their clients for 5 s of it: who sends now and then is not cut by then. */
const shutdown = { timeout: 16_000 };
/** In ms: longer than a drain lingers (250) and leaves idle connections alone (5,000), shorter than its deadline. */
const LONG = 9_000;
const SERVERS = ['express', 'express https', 'fastify'] as const;

describe.each(SERVERS)('a draining worker of %s', (server) => {
  it('in a reload: a long response and a stream of chunks end whole, then it exits with 0', () =>
    withTls(async (env) => {
      const app = await drainingApp(apps, server, { env, cluster: { workers: 1, shutdown } });
      const { pid } = await app.member(0);
      const { mark } = app;
      const slow = app.process.json(`/long?ms=${LONG}`);
      const lines = app.process.request(`/lines?count=30&ms=${LONG / 30}`);
      await app.process.waitForReport('long', () => true, mark);
      await app.process.waitForReport('streaming', () => true, mark);
      const { replaced } = await app.primary('/reload', {});
      expect(replaced).toMatchObject([{ slot: 0, oldPid: pid }]);
      expect(await app.process.json('/')).toMatchObject({ generation: 2 });
      expect(await slow).toMatchObject({ pid });
      const { status, text } = await lines;
      expect(status).toBe(200);
      expect(areWholeLines(text)).toBe(true);
      expect(await app.waitForWorkerEvent('exit', pid, mark)).toMatchObject({ code: 0, signal: null });
      const closing = await app.process.waitForReport('hook', (report) => report['pid'] === pid, mark);
      expect(closing).toMatchObject({ hook: 'onModuleDestroy', running: 0 });
    }));

  it('in a reload: keep-alive connections that are used now and then lose no request', () =>
    withTls(async (env) => {
      const app = await drainingApp(apps, server, { env, cluster: { shutdown } });
      const old = await app.members();
      let over = false;
      const visitors = Array.from({ length: 20 }, async (_, n) => {
        const agent = connection(app);
        let [visits, last] = [0, 0];
        // Each at a pace of its own, so that some are idle at any moment; one last time after the reload.
        for (let done = false; !done; visits += 1) {
          done = over;
          last = (await app.process.json('/', { agent })).generation;
          await new Promise((resolve) => setTimeout(resolve, 150 + 40 * n));
        }
        return { visits, last };
      });
      await app.primary('/reload', {});
      for (const { pid } of old) {
        expect(await app.waitForWorkerEvent('exit', pid)).toMatchObject({ code: 0, signal: null });
      }
      over = true;
      for (const { visits, last } of await Promise.all(visitors)) {
        expect(visits).toBeGreaterThan(1);
        expect(last).toBe(2);
      }
    }));
});

describe('a response that takes longer than the deadline', () => {
  const short = { timeout: 1_500, killAfter: 500 };

  it('is cut there in a reload, which succeeds all the same', async () => {
    const app = await drainingApp(apps, 'express', { cluster: { workers: 1, shutdown: short } });
    const { pid } = await app.member(0);
    const { mark } = app;
    const cut = app.process.json('/slow?ms=120000', { timeout: 60_000 }).catch((error) => error.code);
    await app.process.waitForReport('slow', () => true, mark);
    const begun = performance.now();
    expect(await app.primary('/reload', {})).toMatchObject({ generation: 2, replaced: [{ oldPid: pid }] });
    expect(await cut).toBe('ECONNRESET');
    expect(performance.now() - begun).toBeGreaterThanOrEqual(short.timeout);
    await app.waitForWorkerEvent('exit', pid, mark);
    expect(await app.process.json('/')).toMatchObject({ generation: 2 });
    expect(await app.members()).toMatchObject([{ slot: 0, generation: 2 }]);
  });

  it('is cut there at SIGTERM, and nothing is left', async () => {
    const app = await drainingApp(apps, 'express', { cluster: { workers: 1, shutdown: short } });
    const { mark } = app;
    const cut = app.process.json('/slow?ms=120000', { timeout: 60_000 }).catch((error) => error.code);
    await app.process.waitForReport('slow', () => true, mark);
    const begun = performance.now();
    await app.process.stop();
    expect(await cut).toBe('ECONNRESET');
    expect(performance.now() - begun).toBeGreaterThanOrEqual(short.timeout);
  });
});

/** An agent that has one connection, and keeps it for its next request. */
function connection(app: FixtureApp): Agent {
  const options = { keepAlive: true, maxSockets: 1, timeout: CLIENT_IDLE };
  const agent = app.process.url.startsWith('https:') ? new SecureAgent(options) : new Agent(options);
  agents.push(agent);
  return agent;
}
