import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { nats } from '../../dist/nats/index.js';
import { redis } from '../../dist/redis/index.js';
import { takeOrders } from '../bus/worker.js';
import { decorateClass } from '../shared/decorate.js';
import { ClusterModule, ClusterService, MessengerService } from '../shared/nestjs-cluster.js';

/** One host of the cluster: as bus/systems/ours.js, with an engine. */
const { BENCH_HOST: host, BENCH_WORKERS: workers, BENCH_BROKER: url } = process.env;
const engine = url.startsWith('nats:') ? nats({ servers: url }) : redis({ url });

class AppModule {}
const cluster = ClusterModule.forRoot({
  workers: Number(workers),
  contexts: true,
  messenger: { engine, cluster: 'bench', host: `host-${host}` },
});
decorateClass(AppModule, [], Module({ imports: [cluster] }));

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
const messenger = app.get(MessengerService);
await takeOrders({
  // The first worker of the first host asks.
  index: Number(host) * 1_000 + app.get(ClusterService).slot,
  broadcast: (data) => messenger.broadcast('bench.broadcast', data),
  consume: (data) => messenger.consume('bench.consume', data),
  map: (data) => messenger.map('bench.map', data),
  listen: (handlers) => {
    for (const [call, handler] of Object.entries(handlers)) messenger.on(`bench.${call}`, handler);
  },
});
