import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get, Injectable, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { decorateClass, decorateMethod } from '../shared/decorate.js';
import { record } from '../shared/journal.js';
import { ClusterModule, MessengerService } from '../shared/nestjs-cluster.js';
import { Chatter } from './chatter.js';
import { Witness } from './witness.js';

/** A build that dies after it was ready does so after this long (ms): within the canary's time. */
const DEATH_AFTER_READY = 200;

/** The code on disk is a file with one word, read by each process as code is: 'good', or one of these. */
const build = readFileSync(process.env.SOAK_BUILD, 'utf8');

/** Stands for what an app does at boot, such as reaching its database: a bad build fails here. */
class Database {
  constructor() {
    if (build === 'throws at boot') throw new Error('SOAK: this build cannot start');
    if (build === 'exits at boot') process.exit(3);
  }
}
decorateClass(Database, [], Injectable());

class WorkController {
  constructor(messenger) {
    this.messenger = messenger;
  }

  /** One request of the load: takes its time without using the CPU. */
  async work() {
    await sleep(Number(process.env.SOAK_WORK));
    return { pid: process.pid };
  }

  /** Blocks the event loop of this worker for ever. */
  hang() {
    record('hang');
    for (;;);
  }

  /** An error that nobody catches, beside requests in flight. */
  throwUncaught() {
    record('throw');
    setImmediate(fail);
    return { pid: process.pid };
  }

  /** No worker sends messages of its own any more. */
  hush() {
    return this.messenger.broadcast('soak.hush');
  }
}
decorateMethod(WorkController, 'work', Get('work'));
decorateMethod(WorkController, 'hang', Post('hang'));
decorateMethod(WorkController, 'throwUncaught', Post('throw'));
decorateMethod(WorkController, 'hush', Post('hush'));
decorateClass(WorkController, [MessengerService], Controller());

function fail() {
  throw new Error('SOAK: thrown where nobody catches it');
}

class PrimaryModule {}
decorateClass(PrimaryModule, [], Module({ providers: [Witness] }));

class AppModule {}
decorateClass(
  AppModule,
  [],
  Module({
    imports: [ClusterModule.forRoot({ ...JSON.parse(process.env.SOAK_OPTIONS), primary: PrimaryModule })],
    controllers: [WorkController],
    providers: [Database, Chatter],
  }),
);

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.listen(process.env.PORT);
if (build === 'dies after ready') setTimeout(fail, DEATH_AFTER_READY);
