import 'reflect-metadata';
import { Controller, Get, Module, Post, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClusterModule, ClusterService, MessengerService } from '../shared/nestjs-cluster.js';
import { decorateClass, decorateMethod } from '../shared/decorate.js';

/** Bytes of JavaScript's objects and of what hangs on them; the rest of a process's memory is its allocator's. */
function held() {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What a request of the abuse asks for. */
class AppController {
  #listeners = [];

  constructor(cluster, messenger) {
    this.cluster = cluster;
    this.messenger = messenger;
  }

  hello() {
    return { slot: this.cluster.slot };
  }

  async slow() {
    await new Promise((resolve) => setTimeout(resolve, 200));
    return {};
  }

  upload() {
    return {};
  }

  /** Listens by `count` names of its own, and no longer to those of the time before. */
  names(count) {
    for (const off of this.#listeners.splice(0)) off();
    const prefix = `${this.cluster.slot}.${Date.now()}`;
    for (let i = 0; i < Number(count); i++) this.#listeners.push(this.messenger.on(`${prefix}.${i}`, () => i));
    return {};
  }

  /** What this worker is left with: collected, so that only what is held counts. */
  rest() {
    globalThis.gc();
    return { slot: this.cluster.slot, pid: process.pid, held: held() };
  }
}

for (const [method, decorator] of Object.entries({
  hello: Get(),
  slow: Get('slow'),
  upload: Post(),
  names: Post('names'),
  rest: Get('rest'),
})) {
  decorateMethod(AppController, method, decorator);
}
Query('count')(AppController.prototype, 'names', 0);
decorateClass(AppController, [ClusterService, MessengerService], Controller());

/** In the primary: it has no client to ask it. */
class PrimaryModule {
  onModuleInit() {
    process.on('SIGURG', () => {
      globalThis.gc();
      console.log(`The primary holds ${held()} bytes.`);
    });
  }
}
decorateClass(PrimaryModule, [], Module({}));

class AppModule {}
const options = {
  workers: 2,
  listen: process.env.LISTEN,
  primary: PrimaryModule,
  restart: { minDelay: 100 },
};
decorateClass(AppModule, [], Module({ imports: [ClusterModule.forRoot(options)], controllers: [AppController] }));

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn', 'log'] });
await app.listen(Number(process.env.PORT), '127.0.0.1');
