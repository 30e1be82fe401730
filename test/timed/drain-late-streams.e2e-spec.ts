/** Clients keep connections for their next request: what becomes of streams over one that a leaving worker has. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { drainingApp, type FixtureApp, useApps } from '../support/index.js';
import { Http1Connection } from '../support/http1-connection.js';

const apps = useApps();
const open: Http1Connection[] = [];
afterEach(() => open.splice(0).forEach((connection) => connection.destroy()));

const EVENT = /\ndata: /;
/** The last chunk of a chunked body. */
const WHOLE = /\r\n0\r\n\r\n$/;
/** A WebSocket's close frame with the code 1012. */
const CLOSE = Buffer.from([0x88, 2, 1012 >> 8, 1012 & 0xff]).toString('latin1');
const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

async function connected(app: FixtureApp): Promise<Http1Connection> {
  const connection = await Http1Connection.open(app.process.port);
  open.push(connection);
  return connection;
}

/** Resolves when the worker that leaves has ended the event streams it had. */
async function reloadPastFarewell(app: FixtureApp): Promise<void> {
  const stream = await connected(app);
  stream.get('/events?ms=20');
  await stream.received(EVENT);
  app.process.kill('SIGHUP');
  await stream.received(WHOLE);
}

describe.each(['express', 'fastify'] as const)('a connection to a draining worker of %s', (server) => {
  it('is closed with the event stream on it, before an EventSource asks for the next one', async () => {
    const app = await drainingApp(apps, server, { cluster: { workers: 1, shutdown: { timeout: 15_000 } } });
    const connection = await connected(app);
    connection.get('/events?ms=20');
    await connection.received(EVENT);
    app.process.kill('SIGHUP');
    const endedAt = await connection.received(WHOLE);
    await connection.untilClosed();
    // Browsers ask again after three seconds; idle connections are left open for five.
    expect(connection.closedAt - endedAt).toBeLessThan(2_500);
  });

  it.each([
    // It may be ended before its first event.
    ['an event stream', '/events?ms=20', {}, /text\/event-stream/, WHOLE],
    ['a WebSocket', '/', UPGRADE, /101 Switching Protocols/, CLOSE],
  ])('on which %s begins late: that is ended as well, and the worker goes in time', async (...stream) => {
    const [, path, headers, begun, ended] = stream;
    const app = await drainingApp(apps, server, { cluster: { workers: 1, shutdown: { timeout: 15_000 } } });
    const { pid } = await app.member(0);
    const connection = await connected(app);
    connection.get('/');
    await connection.received(/\r\n\r\n\{.*\}$/);
    const { mark } = app;
    await reloadPastFarewell(app);
    connection.get(path, headers);
    await connection.received(begun);
    await connection.received(ended);
    await connection.untilClosed();
    expect(await app.waitForWorkerEvent('exit', pid, mark)).toMatchObject({ code: 0, signal: null });
  });
});
