import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Engine, EngineProvider } from '../../lib/bus/engine.interface.js';
import { nats } from '../../lib/engines/nats/index.js';
import { redis } from '../../lib/engines/redis/index.js';
import { describeOver, NATS, REDIS } from '../support/brokers.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { NatsServer } from '../support/nats-server.js';
import { RedisServer } from '../support/redis-server.js';
import { type SelfSigned, selfSigned } from '../support/self-signed.js';

/* Why a broker lets nobody in: said in the error at the start, or where the engine waits, in its trouble. */

const made: Engine[] = [];
afterEach(() => Promise.all(made.splice(0).map((engine) => engine.close())));

async function connect(provider: EngineProvider) {
  const engine = await provider.create({ cluster: 'c', environment: 'test', client: 'test', maxMessage: 1_000 });
  made.push(engine);
  const warnings: string[] = [];
  const done = engine.connect({
    onConnected: () => {},
    onDisconnected: () => {},
    onWarning: (message) => warnings.push(message),
  });
  done.catch(() => undefined);
  return { engine, done, warnings };
}

let own: SelfSigned;
let strange: SelfSigned;
const caOf = ({ cert }: SelfSigned) => readFileSync(cert, 'utf8');
beforeAll(() => {
  own = selfSigned();
  strange = selfSigned();
});
afterAll(() => {
  own.remove();
  strange.remove();
});

describeOver(NATS)('NATS lets nobody in', () => {
  it('by TLS: another authority, or only one end speaks it', async () => {
    const secure = await NatsServer.start(['-js', '--tls', '--tlscert', own.cert, '--tlskey', own.key]);
    const plain = await NatsServer.start();
    try {
      const servers = `nats://localhost:${secure.port}`;
      const tls = { ca: caOf(own) };
      await (
        await connect(nats({ servers, tls }))
      ).done;
      for (const options of [{ servers, tls: { ca: caOf(strange) } }, { servers }]) {
        await expect((await connect(nats(options))).done).rejects.toMatchObject({
          code: 'ERR_CLUSTER_OPTIONS',
          message: expect.stringMatching(/refuses the connection: .*certificate.*tls of nats/),
        });
      }
      const oneEnd = await connect(nats({ servers: plain.url, tls }));
      await expect(oneEnd.done).rejects.toThrow(/does not support 'tls'/);
    } finally {
      await secure.destroy();
      await plain.destroy();
    }
  });

  it('for its connections are used up: waits with that reason, and is let in when one is free', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-cluster-limit-'));
    const config = join(folder, 'limit.conf');
    writeFileSync(config, 'max_connections: 1\n');
    const server = await NatsServer.start(['-js', '-c', config]);
    try {
      const first = await connect(nats({ servers: server.url }));
      await first.done;
      const { engine } = await connect(nats({ servers: server.url }));
      await eventually(() => engine.trouble === 'maximum connections exceeded', { what: () => String(engine.trouble) });
      expect(() => engine.publish('x', new Uint8Array(0))).toThrow(/\(maximum connections exceeded\)/);
      await first.engine.close();
      await eventually(() => engine.isConnected, { what: 'the connection' });
    } finally {
      await server.destroy();
      rmSync(folder, { recursive: true });
    }
  });
});

describeOver(REDIS)('Redis lets nobody in', () => {
  const tlsOnly = (port: number) => {
    const files = ['--tls-cert-file', own.cert, '--tls-key-file', own.key, '--tls-ca-cert-file', own.cert];
    return ['--tls-port', String(port), '--tls-auth-clients', 'no'].concat(files);
  };

  it('by TLS: another authority or name, or only one end speaks it', async () => {
    const plain = await RedisServer.start();
    const second = await freePort();
    const secure = await RedisServer.start(tlsOnly(second));
    try {
      const url = `rediss://localhost:${second}`;
      await (
        await connect(redis({ url, tls: { ca: caOf(own) } }))
      ).done;
      const cases = [
        [{ url, tls: { ca: caOf(strange) } }, /certificate.*tls of redis/],
        [{ url: `rediss://127.0.0.1:${second}`, tls: { ca: caOf(own) } }, /does not match certificate.*tls of redis/],
        [{ url: `redis://localhost:${second}` }, /speaks TLS only, so name it as rediss/],
        [{ url: `rediss://localhost:${plain.port}`, tls: { ca: caOf(own) } }, /speaks no TLS, so name it as redis/],
      ] as const;
      for (const [options, reason] of cases) {
        await expect((await connect(redis(options))).done).rejects.toMatchObject({
          code: 'ERR_CLUSTER_OPTIONS',
          message: expect.stringMatching(reason),
        });
      }
    } finally {
      await secure.destroy();
      await plain.destroy();
    }
  });

  it('a second error of one socket is heard, too', async () => {
    const server = await RedisServer.start();
    try {
      const { engine, done } = await connect(redis({ url: server.url }));
      await done;
      const { link } = engine as unknown as { link: { commands: { stream: Socket }; subscriber: { stream: Socket } } };
      for (const { stream } of [link.commands, link.subscriber]) {
        for (const message of ['first', 'second', 'third']) expect(stream.emit('error', new Error(message))).toBe(true);
      }
    } finally {
      await server.destroy();
    }
  });

  it('for its connections are used up: waits with that reason, and is let in when some are free', async () => {
    const server = await RedisServer.start(['--maxclients', '2']);
    try {
      const first = await connect(redis({ url: server.url }));
      await first.done;
      const { engine, warnings } = await connect(redis({ url: server.url }));
      await eventually(() => engine.trouble?.includes('max number of clients reached'), {
        what: () => String(engine.trouble),
      });
      expect(warnings).toContainEqual(expect.stringMatching(/takes no more connections: .*max number of clients/));
      expect(() => engine.publish('x', new Uint8Array(0))).toThrow(/max number of clients reached/);
      await first.engine.close();
      await eventually(() => engine.isConnected, { what: 'the connection' });
    } finally {
      await server.destroy();
    }
  });
});
