import { randomUUID } from 'node:crypto';
import { connect as connectHttp2 } from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AppProcess, eventually, fixture, freePort, request, selfSigned, useApps } from '../support/index.js';
import { LISTEN_MODES } from '../support/listen-modes.js';

const entry = fixture('listening/main');
const apps = useApps();
const tls = selfSigned();
afterAll(() => tls.remove());

const TLS = { TLS_KEY: tls.key, TLS_CERT: tls.cert };

/** How often it is asked until every slot has answered. */
const TRIES = 500;

/** Asks on new connections until both slots have answered; resolves to the pids. */
async function bothSlots(ask: () => Promise<string>): Promise<number[]> {
  const pids = new Map<number, number>();
  for (let tries = 0; pids.size < 2; tries += 1) {
    if (tries >= TRIES) throw new Error(`only slots ${[...pids.keys()]} answered`);
    const { slot, pid } = JSON.parse(await ask()) as { slot: number; pid: number };
    pids.set(slot, pid);
  }
  return [...pids.values()];
}

async function readAll(options: net.NetConnectOpts): Promise<string> {
  const socket = net.connect(options);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

async function overHttp2(url: string): Promise<string> {
  const session = connectHttp2(url, { rejectUnauthorized: false });
  const stream = session.request({ ':path': '/' });
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  session.close();
  return text;
}

/** What a server says of itself, once from each of `count` processes; equal, or the test fails. */
async function sayings(app: AppProcess, kind: string, index: number | undefined, count: number): Promise<object> {
  const seen = await eventually(
    () => {
      const all = app.output.reports(kind).filter((one) => index === undefined || one['index'] === index);
      return all.length >= count && all;
    },
    { what: () => `${count} × ${kind} ${index}\n--- output\n${app.output.text}` },
  );
  const said = seen.map(({ kind: _kind, pid: _pid, ...rest }) => rest);
  for (const one of said) expect(one).toEqual(said[0]);
  return said[0]!;
}

const PLACES: Readonly<Record<string, { readonly HOST?: string; readonly ADAPTER?: string }>> = {
  'any host': {},
  'an IPv4 host': { HOST: '127.0.0.1' },
  'an IPv6 host': { HOST: '::1' },
  'any host, Fastify': { ADAPTER: 'fastify' },
};

const single = new Map<string, Promise<{ port: number; said: object }>>();

/** What the app says as a single process, and on which port. */
function alone(place: string): Promise<{ port: number; said: object }> {
  const start = async (): Promise<{ port: number; said: object }> => {
    const port = await freePort();
    const app = await apps.start({ entry, env: { ...PLACES[place], PORT: String(port) }, cluster: { enabled: false } });
    const said = await sayings(app, 'serves', undefined, 1);
    await app.stop();
    return { port, said };
  };
  const known = single.get(place) ?? start();
  single.set(place, known);
  return known;
}

/** With one client address everybody's connection is one worker's: spread is asked of the other modes. */
const spreads = (mode: string): boolean => mode !== 'sticky';

describe.each(LISTEN_MODES)("listen: '%s'", (mode) => {
  const cluster = { listen: mode };

  describe('what a server says of its address is what it says in a single process', () => {
    it.each(Object.keys(PLACES))("%s: address() and Nest's getUrl()", async (place) => {
      const env = PLACES[place]!;
      const { port, said } = await alone(place);
      const app = await apps.start({ entry, env: { ...env, PORT: String(port) }, cluster });
      expect(await sayings(app, 'serves', undefined, 2)).toEqual(said);
      if (env.HOST !== '::1') await app.waitUntilReady(2);
    });

    it('a port that somebody else has: the same error', async () => {
      const taken = net.createServer().listen(0);
      await once(taken, 'listening');
      const { port } = taken.address() as AddressInfo;
      const LISTENERS = JSON.stringify([{ kind: 'http', options: { port } }]);
      const app = await apps.start({ entry, env: { LISTENERS }, cluster });
      const refused = await sayings(app, 'refused', 0, 2);
      const rival = net.createServer();
      const [{ message, ...error }] = (await once(rival.listen(port), 'error')) as [Error];
      taken.close();
      const expected = { error: { message, ...error } };
      expect(expected).toMatchObject({ error: { code: 'EADDRINUSE', port } });
      expect(refused).toMatchObject(expected);
    });
  });

  describe('several listeners in one app', () => {
    const path = join(tmpdir(), `nestjs-cluster-${randomUUID()}.sock`);
    let app: AppProcess;
    let ports: number[];
    beforeAll(async () => {
      const listeners = [
        { kind: 'http', options: { port: 0 } },
        { kind: 'http', options: { port: 0 } },
        { kind: 'https', options: { port: 0, host: '127.0.0.1' } },
        { kind: 'http2', options: { port: 0 } },
        { kind: 'tcp', options: { port: 0, host: '::1' } },
        { kind: 'http', options: { path } },
      ];
      app = await apps.share({ entry, env: { ...TLS, LISTENERS: JSON.stringify(listeners) }, cluster });
      const told = await Promise.all(listeners.map((_, index) => sayings(app, 'listening', index, 2)));
      ports = told.map((one) => (one as { address: { port: number } }).address.port);
      await sayings(app, 'serves', undefined, 2);
    });

    it('listen(0): one port for all workers, another for each listener', () => {
      const given = ports.slice(0, 5);
      expect(given.every((port) => port > 0)).toBe(true);
      expect(new Set(given).size).toBe(5);
    });

    it.each([
      ['Nest', () => app.request('/').then(({ text }) => text)],
      ['http', () => request(`http://127.0.0.1:${ports[0]}/`).then(({ text }) => text)],
      ['http over IPv6', () => request(`http://[::1]:${ports[1]}/`).then(({ text }) => text)],
      ['https', () => request(`https://127.0.0.1:${ports[2]}/`).then(({ text }) => text)],
      ['HTTP/2', () => overHttp2(`https://localhost:${ports[3]}`)],
      ['TCP', () => readAll({ port: ports[4]!, host: '::1' })],
    ])('%s: every worker answers', async (_, ask) => {
      if (spreads(mode)) expect(await bothSlots(ask)).toHaveLength(2);
      else expect(JSON.parse(await ask())).toMatchObject({ pid: expect.any(Number) });
    });

    it('a Unix socket: it answers', async () => {
      const socket = net.connect({ path });
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*"slot":\d/);
    });

    it("'listening' events tell the addresses, once for each server and worker", async () => {
      const heard = app.output.reports('worker-event').filter(({ event }) => event === 'listening');
      for (const port of [...ports.slice(0, 5), app.port]) {
        expect(heard.filter(({ address }) => (address as AddressInfo).port === port)).toHaveLength(2);
      }
    });
  });

  it('a server that the app closes is refused to clients, and the others go on', async () => {
    const LISTENERS = JSON.stringify([{ kind: 'http', options: { port: 0 } }]);
    const app = await apps.start({ entry, env: { LISTENERS }, cluster });
    const { address } = (await sayings(app, 'listening', 0, 2)) as { address: AddressInfo };
    const { port: control } = await app.waitForReport('control');
    await sayings(app, 'serves', undefined, 2);
    await app.waitUntilReady(2);
    await eventually(
      async () => {
        const { text } = await request(`http://localhost:${control}/members`);
        return (JSON.parse(text) as { value: unknown[] }).value.length === 2;
      },
      { what: 'two members' },
    );
    expect((await request(`http://127.0.0.1:${address.port}/`)).status).toBe(200);
    await request(`http://localhost:${control}/call`, {
      method: 'POST',
      body: { method: 'broadcast', args: ['close'] },
    });
    await eventually(
      () =>
        request(`http://127.0.0.1:${address.port}/`).then(
          () => false,
          (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
        ),
      { what: 'a refusal' },
    );
    expect((await app.request('/')).status).toBe(200);
  });
});

describe.each(LISTEN_MODES)("listen: '%s'", (mode) => {
  it('two servers of one worker on one port: the second is refused', async () => {
    const options = { port: await freePort(), host: '127.0.0.1' };
    const LISTENERS = JSON.stringify([
      { kind: 'http', options },
      { kind: 'http', options },
    ]);
    const app = await apps.start({ entry, env: { LISTENERS }, cluster: { listen: mode } });
    expect(await sayings(app, 'listening', 0, 2)).toMatchObject({ address: { port: options.port } });
    expect(await sayings(app, 'refused', 1, 2)).toMatchObject({ error: { code: 'EADDRINUSE' } });
  });
});
