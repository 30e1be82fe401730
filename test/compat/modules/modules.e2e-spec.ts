/** What people combine with Nest, as real processes, through start, load, reload, kill -9 and stop. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Broker, type BrokerServer, describeOver, eventually, NATS, REDIS } from '../../support/index.js';
import { grpcClient, nestClient } from './clients.js';
import { appMain, NEST, PREPARE_LIMIT, prepareApps } from './project.js';
import { microservice, ROWS } from './rows.js';
import { bothAnswer, useTrials } from './trial.js';

const { apps, start, live } = useTrials();

beforeAll(prepareApps, PREPARE_LIMIT);

/** What the many steps of a life may take on a busy machine, in ms; each of them has its own limit. */
const LIFE_LIMIT = 600_000;

/** Tests with a server of that kind, where one is installed. */
function withBroker(broker: Broker, tests: (server: () => BrokerServer) => void): void {
  describeOver(broker)(`with ${broker.name}`, () => {
    let server: BrokerServer;
    beforeAll(async () => {
      server = await broker.start();
    });
    afterAll(() => server.destroy());
    tests(() => server);
  });
}

describe(`on Nest ${NEST}, each app started, loaded, reloaded, killed and stopped:`, () => {
  const atItsEnd = { code: 0, signal: null };

  it(
    'config, event-emitter, cqrs, cache-manager, throttler, nestjs-cls, Terminus and nestjs-pino',
    async () => {
      const { config, eventEmitter, cqrs, cacheManager, throttler, cls, terminus, pino } = ROWS;
      const rows = [config, eventEmitter, cqrs, cacheManager, throttler, cls, terminus, pino];
      expect(await live({ rows })).toEqual(atItsEnd);
    },
    LIFE_LIMIT,
  );

  it(
    'schedule, TypeORM with SQLite, server-sent events and uploads',
    async () => {
      expect(await live({ rows: [ROWS.schedule, ROWS.typeorm, ROWS.sse, ROWS.upload] })).toEqual(atItsEnd);
    },
    LIFE_LIMIT,
  );

  it(
    'Socket.IO, GraphQL with subscriptions, and a hybrid of HTTP and TCP',
    async () => {
      expect(await live({ rows: [ROWS.socketIo, ROWS.graphql, ROWS.hybrid] })).toEqual(atItsEnd);
    },
    LIFE_LIMIT,
  );

  it.each([
    ['gRPC', microservice('grpc', ({ app }) => grpcClient(app.port))],
    ['TCP', microservice('tcp', ({ app }) => nestClient({ port: app.port }))],
  ])(
    'a microservice over %s',
    async (_, row) => {
      expect(await live({ main: 'microservice', rows: [row] })).toEqual(atItsEnd);
    },
    LIFE_LIMIT,
  );

  withBroker(NATS, (broker) => {
    it(
      'a microservice over NATS with a queue',
      async () => {
        const row = microservice('nats', () => nestClient({ servers: [broker().url] }));
        expect(await live({ main: 'microservice', broker: broker(), rows: [row] })).toEqual(atItsEnd);
      },
      LIFE_LIMIT,
    );
  });

  withBroker(REDIS, (broker) => {
    it(
      'BullMQ and express-session',
      async () => {
        expect(await live({ broker: broker(), rows: [ROWS.bullmq, ROWS.session] })).toEqual(atItsEnd);
      },
      LIFE_LIMIT,
    );
  });
});

describe(`on Nest ${NEST}`, () => {
  it("Terminus' checks are 503 in every worker while the cluster is about to leave, and all is served", async () => {
    const { app } = await start({ rows: [ROWS.terminus], cluster: { shutdown: { delay: 120_000 } } });
    await app.waitUntilReady(2);
    app.kill('SIGTERM');
    for (const slot of ['0', '1']) {
      const headers = { 'x-only-slot': slot };
      await eventually(async () => (await app.request('/health', { headers })).status === 503, {
        what: `503 from slot ${slot}`,
      });
    }
    expect(await app.waitUntilReady(2)).toHaveLength(2);
  });

  it('a gRPC server whose package its new file does not have: the reload fails, and the old workers serve', async () => {
    const row = microservice('grpc', ({ app }) => grpcClient(app.port));
    const trial = await start({ main: 'microservice', rows: [row] });
    const pids = await bothAnswer(trial, row.ask);
    writeFileSync(trial.proto, readFileSync(trial.proto, 'utf8').replace('package sums', 'package others'));
    const { app } = trial;
    const { mark } = app.output;
    app.kill('SIGHUP');
    await app.waitForLine(/Reload failed: .* before it was ready: .*invalid gRPC package/i, mark);
    expect(await bothAnswer(trial, row.ask)).toEqual(pids);
  });

  it.each([
    [['1', '2'], 3, 0],
    [['1', 'x'], null, 7],
  ])('a command of nest-commander runs once, with its own exit code: %j', async (args, sum, code) => {
    const app = await apps.start({ entry: appMain('commander'), args });
    expect(await app.waitForExit()).toEqual({ code, signal: null });
    expect(app.output.reports('sum')).toEqual([{ kind: 'sum', pid: app.pid, sum, role: 'standalone' }]);
  });
});
