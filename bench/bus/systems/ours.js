import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { decorateClass } from '../../shared/decorate.js';
import { ClusterModule, MessengerService } from '../../shared/nestjs-cluster.js';
import { takeOrders } from '../worker.js';

class AppModule {}
decorateClass(
  AppModule,
  [],
  Module({ imports: [ClusterModule.forRoot({ workers: Number(process.env.BENCH_WORKERS), contexts: true })] }),
);

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
const messenger = app.get(MessengerService);
await takeOrders({
  broadcast: (data) => messenger.broadcast('bench.broadcast', data),
  consume: (data) => messenger.consume('bench.consume', data),
  map: (data) => messenger.map('bench.map', data),
  request: (data, to) => messenger.send(to, 'bench.request', data),
  listen: (handlers) => {
    for (const [call, handler] of Object.entries(handlers)) messenger.on(`bench.${call}`, handler);
  },
});
