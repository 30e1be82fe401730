import { fork } from 'node:child_process';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, EventPattern, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { decorateClass, decorateMethod } from '../../shared/decorate.js';
import { freePort } from '../../shared/free-port.js';
import { takeOrders } from '../worker.js';

/** Nest's own messages over TCP: every process is a microservice, and a client of all others. */
if (process.env.BENCH_INDEX === undefined) await start(Number(process.env.BENCH_WORKERS));
else await work(Number(process.env.BENCH_INDEX), process.env.BENCH_PORTS.split(',').map(Number));

async function start(workers) {
  const ports = [];
  while (ports.length < workers) ports.push(await freePort());
  for (const index of ports.keys()) {
    fork(import.meta.filename, { env: { ...process.env, BENCH_INDEX: String(index), BENCH_PORTS: ports.join() } });
  }
}

async function work(index, ports) {
  let handlers;
  class BenchController {
    broadcast(data) {
      handlers.broadcast(data);
    }
    map(data) {
      return handlers.map(data);
    }
    request(data) {
      return handlers.request(data);
    }
  }
  decorateClass(BenchController, [], Controller());
  for (const [method, Pattern] of Object.entries({
    broadcast: EventPattern,
    map: MessagePattern,
    request: MessagePattern,
  })) {
    Reflect.defineMetadata('design:paramtypes', [Object], BenchController.prototype, method);
    Payload()(BenchController.prototype, method, 0);
    decorateMethod(BenchController, method, Pattern(`bench.${method}`));
  }
  class AppModule {}
  decorateClass(AppModule, [], Module({ controllers: [BenchController] }));

  const transport = (port) => ({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  const app = await NestFactory.createMicroservice(AppModule, {
    ...transport(ports[index]),
    logger: ['error', 'warn'],
  });
  await app.listen();
  const others = ports.filter((_, other) => other !== index);
  const clients = new Map(others.map((port) => [port, ClientProxyFactory.create(transport(port))]));

  await takeOrders({
    broadcast: async (data) => {
      handlers.broadcast(data);
      for (const client of clients.values()) client.emit('bench.broadcast', data);
    },
    map: (data) =>
      Promise.all([
        handlers.map(data),
        ...[...clients.values()].map((client) => firstValueFrom(client.send('bench.map', data))),
      ]),
    request: (data, to) => firstValueFrom(clients.get(ports[to]).send('bench.request', data)),
    listen: (given) => (handlers = given),
    index,
  });
}
