/** HTTP/2 has no `Connection: close`: a server that leaves says so by GOAWAY (RFC 9113, 6.8). */
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  areWholeLines,
  drainingApp,
  eventually,
  type FixtureApp,
  Http2Client,
  UNHURRIED,
  useApps,
  withTls,
} from '../support/index.js';

const NO_ERROR = 0;
/** The first GOAWAY refuses no stream; the exact number follows when it can no longer change. */
const ANY_STREAM = 2 ** 31 - 1;

const apps = useApps();
const clients: Http2Client[] = [];
afterEach(() => clients.splice(0).forEach((client) => client.destroy()));

describe.each(['http2 without TLS', 'http2 with TLS'] as const)('a draining worker of %s', (server) => {
  function clientOf(app: FixtureApp): Http2Client {
    const client = new Http2Client(app.process.url);
    clients.push(client);
    return client;
  }

  it('in a reload: a session gets GOAWAY, its open streams end whole, the next one is with the new worker', () =>
    withTls(async (env) => {
      const app = await drainingApp(apps, server, { env, cluster: { workers: 1 } });
      const client = clientOf(app);
      const { pid: old } = await client.json('/');
      const { mark } = app;
      const slow = client.json('/long?ms=1500');
      const lines = client.request('/lines?count=15&ms=100');
      await app.process.waitForReport('long', () => true, mark);
      await app.process.waitForReport('streaming', () => true, mark);
      app.process.kill('SIGHUP');
      await eventually(() => client.goaways.length > 0, { what: 'GOAWAY' });
      expect(client.goaways[0]).toEqual({ code: NO_ERROR, lastStream: ANY_STREAM });

      // The old session still has its streams, and the client another one.
      const { pid: fresh, generation } = await client.json('/');
      expect(generation).toBe(2);
      expect(app.process.workers).toEqual(expect.arrayContaining([old, fresh]));
      expect(await slow).toMatchObject({ pid: old });
      expect(areWholeLines(await lines)).toBe(true);
      expect(await app.waitForWorkerEvent('exit', old, mark)).toMatchObject({ code: 0, signal: null });
      expect(client.errors).toEqual([]);
    }));

  it('in a reload under load: clients that reconnect on GOAWAY lose nothing, nor is anything run twice', () =>
    withTls(async (env) => {
      const app = await drainingApp(apps, server, { env, cluster: { shutdown: UNHURRIED } });
      const old = await app.members();
      const busy = Array.from({ length: 6 }, () => clientOf(app));
      const answered = async (count: number) => {
        const goals = busy.map((client) => client.answered + count);
        await eventually(() => busy.every((client, n) => client.answered >= goals[n]!), { what: 'answers to all' });
      };
      for (const client of busy) client.begin('/slow?ms=20');
      await answered(10);
      await app.primary('/reload', {});
      await app.waitUntilReplaced(old);
      await answered(10);
      let all = 0;
      for (const client of busy) {
        const { sent, failures } = await client.finish();
        expect({ failures, errors: client.errors }).toEqual({ failures: [], errors: [] });
        expect(sent).toBeGreaterThan(20);
        expect(client.goaways.length).toBeGreaterThan(0);
        all += sent;
      }
      // All that was run is on the output when the app has ended.
      await app.process.stop();
      expect(app.process.output.reports('slow')).toHaveLength(all);
    }));

  it('at SIGTERM: the streams end whole, an idle session does not keep it, exit 0', () =>
    withTls(async (env) => {
      const app = await drainingApp(apps, server, { env, cluster: { workers: 1 } });
      const [idle, busy] = [clientOf(app), clientOf(app)];
      await idle.json('/');
      const { mark } = app;
      const lines = busy.request('/lines?count=10&ms=100');
      await app.process.waitForReport('streaming', () => true, mark);
      const exit = app.process.stop();
      expect(areWholeLines(await lines)).toBe(true);
      expect(await exit).toEqual({ code: 0, signal: null });
      for (const { goaways } of [idle, busy]) {
        expect(goaways[0]).toEqual({ code: NO_ERROR, lastStream: ANY_STREAM });
        // Streams of clients have odd numbers: the first was the last that is served.
        for (const { code, lastStream } of goaways.slice(1))
          expect({ code, lastStream }).toEqual({ code: NO_ERROR, lastStream: 1 });
      }
      expect({ idle: idle.errors, busy: busy.errors }).toEqual({ idle: [], busy: [] });
      const exits = app.workerEvents(mark).filter(({ event }) => event === 'exit');
      expect(exits).toMatchObject([{ code: 0, signal: null }]);
    }));
});
