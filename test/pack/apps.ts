/** An app in plain JavaScript, where decorators are called by hand; it prints 'ready' once a worker listens. */
const BODY = `
class SlotController {
  constructor(cluster) {
    this.cluster = cluster;
  }
  slot() {
    return { slot: this.cluster.slot, role: this.cluster.role };
  }
}
Inject(ClusterService)(SlotController, undefined, 0);
Get('slot')(SlotController.prototype, 'slot', Object.getOwnPropertyDescriptor(SlotController.prototype, 'slot'));
Controller()(SlotController);

class AppModule {}
Module({ imports: [ClusterModule.forRoot(2)], controllers: [SlotController] })(AppModule);

async function bootstrap() {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(Number(process.env.PORT), '127.0.0.1');
  console.log('ready');
}
bootstrap();
`;

export const ESM_APP = `
import 'reflect-metadata';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClusterModule, ClusterService } from 'nestjs-cluster';
${BODY}`;

export const CJS_APP = `
require('reflect-metadata');
const { Controller, Get, Inject, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { ClusterModule, ClusterService } = require('nestjs-cluster');
${BODY}`;

/** Asks for an engine in a project that has none of its packages. */
export const ENGINE_APP = `
import { nats } from 'nestjs-cluster/nats';
import { redis } from 'nestjs-cluster/redis';
import { engineConformance } from 'nestjs-cluster/testing';

const context = { cluster: 'c', environment: 'e', client: 'test', maxMessage: 1000 };
await nats({ servers: 'nats://localhost' }).create(context).catch((error) => console.log(error.message));
await redis({ url: 'redis://localhost' }).create(context).catch((error) => console.log(error.message));
console.log('the suite is a ' + typeof engineConformance);
`;

/** What a user's compiler must accept; the same text as ESM (.mts) and as CommonJS (.cts). */
export const TYPED_APP = `
import { Module } from '@nestjs/common';
import { ClusterModule, ClusterService } from 'nestjs-cluster';

@Module({ imports: [ClusterModule.forRoot({ workers: 2, reload: { signals: ['SIGHUP'] } })] })
export class AppModule {
  constructor(readonly cluster: ClusterService) {}
}

// @ts-expect-error the options are typed: no such key
ClusterModule.forRoot({ wrokers: 2 });
`;

/** A shared library with an installation of its own, and the package in both module formats. */
export const COPIES_APP = `
import 'reflect-metadata';
import { createRequire } from 'node:module';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClusterModule, MessengerService, RunOnLeader } from 'nestjs-cluster';

const require = createRequire(import.meta.url);
const copies = {
  'required': require('nestjs-cluster'),
  'as CommonJS': require('./node_modules/nestjs-cluster/dist/cjs/entry.js'),
  'of the library': require('./library/node_modules/nestjs-cluster'),
};
for (const [name, copy] of Object.entries(copies)) {
  const isSame = copy.ClusterModule === ClusterModule && copy.RunOnLeader === RunOnLeader;
  console.log(name + ': ' + (isSame ? 'the same' : 'another'));
}

class AppModule {}
Module({ imports: [ClusterModule.forRoot({ enabled: false })] })(AppModule);
const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
const injected = app.get(copies['of the library'].MessengerService);
console.log('injected: ' + (injected instanceof MessengerService));
await app.close();
`;
