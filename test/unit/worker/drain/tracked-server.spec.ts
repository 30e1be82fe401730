/** What servers do while they are watched is what they do unwatched, and each request counts once. */
import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../../lib/platform/clock.js';
import { ServerRegistry } from '../../../../lib/worker/drain/server-registry.js';

const { listen } = net.Server.prototype;
const open: { close(): void; destroy?(): void }[] = [];
let registry: ServerRegistry;
let uninstall: () => void;
beforeEach(() => {
  registry = new ServerRegistry();
  uninstall = registry.install();
});
afterEach(() => {
  uninstall();
  for (const one of open.splice(0).toReversed()) (one.destroy ?? one.close).call(one);
});

async function listening<T extends Server>(server: T): Promise<T> {
  open.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

function session(server: Server): http2.ClientHttp2Session {
  const client = http2.connect(`http://127.0.0.1:${portOf(server)}`);
  client.on('error', () => {});
  open.push(client);
  return client;
}

/** Headers, body and trailers of a stream's answer. */
async function answer(stream: http2.ClientHttp2Stream): Promise<Record<string, unknown>> {
  let trailers: object | undefined;
  let headers: object | undefined;
  let body = '';
  stream.on('response', (value) => (headers = value));
  stream.on('trailers', (value) => (trailers = value));
  stream.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
  await once(stream, 'close');
  return { ...headers, ...trailers, body };
}

function get(server: Server, headers = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ port: portOf(server), host: '127.0.0.1', headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    });
    request.on('error', reject);
  });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** How many listeners a server has of each event. */
function listeners(server: EventEmitter): Record<string, number> {
  return Object.fromEntries(server.eventNames().map((name) => [String(name), server.listenerCount(name)]));
}

describe('a connection between two requests', () => {
  const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

  /** A connection that was used once. */
  async function idle(): Promise<{ client: net.Socket; ended: Promise<unknown>; answers: () => number }> {
    const server = await listening(http.createServer((_, response) => response.end('hello')));
    const client = net.connect(portOf(server), '127.0.0.1');
    open.push({ close: () => client.destroy() });
    let text = '';
    client.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const ended = once(client, 'close');
    const answers = () => text.split('hello').length - 1;
    client.write(REQUEST);
    await until(() => answers() === 1);
    return { client, ended, answers };
  }

  it('is closed', async () => {
    const { ended, answers } = await idle();
    registry.closeIdle();
    await ended;
    expect(answers()).toBe(1);
  });

  it('is not where its next request is there, though nobody has read it yet', async () => {
    const { client, answers } = await idle();
    client.write(REQUEST);
    registry.closeIdle();
    await Promise.race([until(() => answers() === 2), once(client, 'close')]);
    expect(answers()).toBe(2);
  });
});

describe('a watched server', () => {
  it.each([
    ['net', () => net.createServer()],
    ['http', () => http.createServer()],
    ['http2', () => http2.createServer()],
    ['http2 with a listener', () => http2.createServer(() => {})],
  ] as const)('of %s has the listeners and the enumerable properties of one that is not', async (_, make) => {
    const watched = await listening<Server>(make());
    const plain: Server = make();
    open.push(plain);
    listen.call(plain, { port: 0, host: '127.0.0.1' });
    await once(plain, 'listening');
    expect(listeners(watched)).toEqual(listeners(plain));
    expect(Object.keys(watched)).toEqual(Object.keys(plain));
  });

  it("of HTTP/2 that listens to 'stream' alone sends its own trailers, as gRPC servers do", async () => {
    const server = http2.createServer();
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '5' }));
      setImmediate(() => stream.end('body'));
    });
    await listening(server);
    const done = answer(session(server).request({ ':path': '/' }));
    await until(() => registry.inFlight === 1);
    expect(await done).toMatchObject({ ':status': 200, body: 'body', 'grpc-status': '5' });
    await until(() => registry.inFlight === 0);
    expect(registry.requests).toBe(1);
  });

  it("of HTTP/2 with listeners to 'stream' and to 'request' counts each request once", async () => {
    const server = http2.createServer((request, response) => {
      if (request.url === '/compat') response.end('compat');
    });
    server.on('stream', (stream, headers) => {
      if (headers[':path'] !== '/stream') return;
      stream.respond({ ':status': 200 });
      stream.end('stream');
    });
    await listening(server);
    const client = session(server);
    expect(await answer(client.request({ ':path': '/stream' }))).toMatchObject({ body: 'stream' });
    expect(await answer(client.request({ ':path': '/compat' }))).toMatchObject({ body: 'compat' });
    expect(registry.requests).toBe(2);
    expect(registry.inFlight).toBe(0);
  });

  it("counts each request once where a library moves the 'request' listeners behind its own", async () => {
    const server = await listening(http.createServer((_, response) => response.end('app')));
    const found = server.listeners('request').slice(0) as http.RequestListener[];
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      if (request.url === '/library') response.end('library');
      else for (const listener of found) listener.call(server, request, response);
    });
    expect(found).toHaveLength(1);
    expect(await get(server)).toBe('app');
    expect(registry.requests).toBe(1);
  });

  it('answers a request to upgrade as an ordinary one where nobody listens to it', async () => {
    const server = await listening(http.createServer((_, response) => response.end('ordinary')));
    expect(await get(server, { Connection: 'Upgrade', Upgrade: 'h2c' })).toBe('ordinary');
    expect(registry.inFlight).toBe(0);
  });

  it.each(['upgrade', 'connect'])("has its '%s'ed connections in flight until they end", async (event) => {
    const server = http.createServer();
    server.on(event, (_request, socket: net.Socket) => {
      socket.resume().on('end', () => socket.end());
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
    });
    await listening(server);
    const client = net.connect(portOf(server), '127.0.0.1');
    open.push({ close: () => client.destroy() });
    const line = event === 'connect' ? 'CONNECT a:1 HTTP/1.1' : 'GET / HTTP/1.1\r\nUpgrade: x\r\nConnection: Upgrade';
    client.write(`${line}\r\nHost: a\r\n\r\n`);
    await once(client, 'data');
    expect(registry.inFlight).toBe(1);
    client.end();
    await until(() => registry.inFlight === 0);
  });

  it('says good-bye to a WebSocket over HTTP/2 (RFC 8441)', async () => {
    const server = http2.createServer({ settings: { enableConnectProtocol: true } });
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200 });
      stream.on('data', () => stream.end());
    });
    await listening(server);
    const client = session(server);
    await once(client, 'remoteSettings');
    const stream = client.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/', ':scheme': 'http' });
    await once(stream, 'response');
    expect(registry.inFlight).toBe(1);
    expect(registry.requests).toBe(0);
    registry.stopListening();
    const farewell = registry.closeLongLived(systemClock);
    const [frame] = (await once(stream, 'data')) as [Buffer];
    expect([...frame]).toEqual([0x88, 0x02, 1012 >> 8, 1012 & 0xff]);
    stream.end(frame);
    await farewell;
    expect(registry.inFlight).toBe(0);
  });

  it('has the requests of a server in flight that is given its connections by another one', async () => {
    let finish: () => void = () => {};
    const inner = http.createServer((_, response) => (finish = () => response.end('inner')));
    const front = await listening(net.createServer((socket) => inner.emit('connection', socket)));
    const text = get(front);
    await until(() => registry.inFlight === 1);
    finish();
    expect(await text).toBe('inner');
    await until(() => registry.inFlight === 0);
  });

  it('is watched as before when a tracing tool replaces the emit of its prototype later', async () => {
    const server = await listening(http.createServer((_, response) => response.end('ok')));
    const seen: unknown[] = [];
    const { emit } = EventEmitter.prototype;
    const prototype = http.Server.prototype as { emit?: typeof emit };
    prototype.emit = function (this: EventEmitter, event: string, ...args: unknown[]) {
      seen.push(event);
      return emit.call(this, event, ...args);
    } as typeof emit;
    expect(await get(server)).toBe('ok');
    delete prototype.emit;
    expect(seen).toContain('request');
    expect(registry.requests).toBe(1);
  });

  it('that was asked twice, or to listen on what is no port, throws as ever and is not waited for', async () => {
    const server = await listening(http.createServer());
    expect(() => server.listen(0)).toThrow(expect.objectContaining({ code: 'ERR_SERVER_ALREADY_LISTEN' }));
    const other = http.createServer();
    expect(() => other.listen(70_000)).toThrow(expect.objectContaining({ code: 'ERR_SOCKET_BAD_PORT' }));
    expect([registry.listening, registry.awaiting]).toEqual([1, 0]);
  });
});

describe('gRPC calls when the time is over', () => {
  const headers = { ':method': 'POST', ':path': '/a.B/C', 'content-type': 'application/grpc' };

  it.each([
    ['that were answered in part', true],
    ['that were not answered', false],
  ])('%s end as UNAVAILABLE, and whatever their handlers still do does no harm', async (_, partly) => {
    const server = http2.createServer();
    const streams: http2.ServerHttp2Stream[] = [];
    server.on('stream', (stream) => {
      streams.push(stream);
      if (!partly) return;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.write('first');
    });
    await listening(server);
    const client = session(server);
    const stream = client.request(headers);
    const done = answer(stream);
    await until(() => streams.length === 1);
    if (partly) await once(stream, 'response');
    await Promise.all([registry.giveUp(systemClock), Promise.resolve(streams[0]!.write('late'))]);
    expect(await done).toMatchObject({ ':status': 200, 'grpc-status': '14' });
  });

  it('other streams are left as they are', async () => {
    const server = http2.createServer();
    server.on('stream', (stream) => stream.respond({ ':status': 200 }));
    await listening(server);
    const stream = session(server).request({ ':path': '/' });
    await once(stream, 'response');
    await registry.giveUp(systemClock);
    expect(registry.inFlight).toBe(1);
    stream.close();
  });
});
