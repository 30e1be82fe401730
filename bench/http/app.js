import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { decorateClass, decorateMethod } from '../shared/decorate.js';
import { record } from '../shared/journal.js';

const BURN = Number(process.env.BENCH_BURN);

/** The host is named: without one, Fastify listens on other addresses than Express. */
const ADDRESS = {
  host: '127.0.0.1',
  port: Number(process.env.PORT),
  reusePort: process.env.BENCH_REUSE_PORT === 'true',
};

const LOGGER = ['error', 'warn'];

/** What a request costs, and its answer. */
function answer() {
  if (BURN > 0) burn(BURN);
  return { hello: 'world' };
}

function burn(ms) {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

class HelloController {
  hello() {
    return answer();
  }
}
decorateMethod(HelloController, 'hello', Get());
decorateClass(HelloController, [], Controller());

function moduleOf(imports, controllers = []) {
  class AppModule {}
  return decorateClass(AppModule, [], Module({ imports, controllers }));
}

/** Each listens on the address; `imports` are Nest modules, which is where ours comes in. */
const APPS = {
  async express(imports) {
    const app = await NestFactory.create(moduleOf(imports, [HelloController]), { logger: LOGGER });
    await app.listen(ADDRESS);
  },

  async fastify(imports) {
    const { FastifyAdapter } = await import('@nestjs/platform-fastify');
    const app = await NestFactory.create(moduleOf(imports, [HelloController]), new FastifyAdapter(), {
      logger: LOGGER,
    });
    await app.listen(ADDRESS);
  },

  /** Without Nest, unless somebody needs a context to live in. */
  async http(imports) {
    if (imports.length > 0) await NestFactory.createApplicationContext(moduleOf(imports), { logger: LOGGER });
    const { createServer } = await import('node:http');
    const server = createServer((_request, response) => {
      const body = JSON.stringify(answer());
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
      response.end(body);
    });
    await new Promise((resolve, reject) => server.once('error', reject).listen(ADDRESS, resolve));
  },
};

/** Serves the app of this run in this process. */
export async function serve(imports = []) {
  await APPS[process.env.BENCH_APP](imports);
  record('ready');
}
