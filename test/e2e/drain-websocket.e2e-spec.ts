/** A WebSocket never ends by itself: a worker that leaves closes it with 1012, service restart, and its client reconnects. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { drainingApp, type FixtureApp, useApps, WebSocketClient } from '../support/index.js';

const SERVICE_RESTART = 1012;

const apps = useApps();
const open: WebSocketClient[] = [];
afterEach(() => open.splice(0).forEach((client) => client.destroy()));

async function connect(app: FixtureApp, options = {}): Promise<WebSocketClient> {
  const client = await WebSocketClient.connect(app.process.url, options);
  open.push(client);
  return client;
}

describe.each(['express', 'fastify'] as const)('WebSockets of a draining worker of %s', (server) => {
  it('in a reload: each is closed with 1012 and reaches the new generation; until then it is served', async () => {
    const app = await drainingApp(apps, server);
    const old = await app.members();
    const clients = await Promise.all(Array.from({ length: 6 }, () => connect(app)));
    for (const client of clients) expect(await client.ask('hello')).toMatchObject({ said: 'hello', generation: 1 });
    const { mark } = app;
    app.process.kill('SIGHUP');
    // A rolling reload: who was with the first worker may meet the second once more before it is replaced.
    const journeys = clients.map(async (client) => {
      for (;;) {
        await client.untilEnded();
        client = await connect(app);
        const answer = await client.ask('hello again');
        if (answer.generation === 2) return answer;
      }
    });
    for (const { said } of await Promise.all(journeys)) expect(said).toBe('hello again');
    const left = open.filter(({ ended }) => ended !== undefined);
    expect(left).toEqual(expect.arrayContaining(clients));
    for (const { codes, ended } of left)
      expect({ codes, ended }).toEqual({ codes: [SERVICE_RESTART], ended: 'closed' });
    // The server's side of each saw the client's own close frame: an ordinary close.
    await app.waitUntilReplaced(old);
    for (const { pid } of old) {
      expect(await app.waitForWorkerEvent('exit', pid, mark)).toMatchObject({ code: 0, signal: null });
    }
    const closed = app.process.output.reports('socket-closed', mark).map(({ code }) => code);
    expect(closed).toEqual(left.map(() => SERVICE_RESTART));
    expect(app.process.output.reports('socket-error', mark)).toEqual([]);
  });

  it('at SIGTERM: each is closed with 1012, exit 0', async () => {
    const app = await drainingApp(apps, server);
    const clients = await Promise.all(Array.from({ length: 4 }, () => connect(app)));
    for (const client of clients) await client.ask('hello');
    expect(await app.process.stop()).toEqual({ code: 0, signal: null });
    for (const client of clients) {
      await client.untilEnded();
      expect(client.codes).toEqual([SERVICE_RESTART]);
    }
  });
});

describe('many WebSockets of one draining worker', () => {
  it('are not closed at one instant, and the last is served until its turn', async () => {
    const app = await drainingApp(apps, 'express', { cluster: { workers: 1 } });
    const clients: WebSocketClient[] = [];
    while (clients.length < 6) clients.push(await connect(app));
    const { pid } = await clients[5]!.ask('hello');
    app.process.kill('SIGHUP');
    await clients[0]!.untilEnded();
    // The new worker has its place already; this one is still with the old.
    expect(await clients[5]!.ask('still there?')).toMatchObject({ pid, generation: 1 });
    await Promise.all(clients.map((client) => client.untilEnded()));
    const times = clients.map(({ closedAt }) => closedAt);
    // Spread over two seconds: five pauses of a third of a second.
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(1_000);
  });
});

describe('a WebSocket whose client does not answer the close', () => {
  it('is cut, and does not keep the worker: it ends with 0 before the deadline', async () => {
    const app = await drainingApp(apps, 'express', { cluster: { workers: 1, shutdown: { timeout: 20_000 } } });
    const mute = await connect(app, { mute: true });
    const { pid } = await mute.ask('hello');
    const { mark } = app;
    await app.primary('/reload', {});
    expect(await app.waitForWorkerEvent('exit', pid, mark)).toMatchObject({ code: 0, signal: null });
    await mute.untilEnded();
    expect(mute.codes).toEqual([SERVICE_RESTART]);
  });
});
