import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { decorateClass, decorateMethod } from '../shared/decorate.js';
import { record } from '../shared/journal.js';

/** A build that works at first and dies for ever dies so long (ms) after its boot. */
const LATE_CRASH = 5_000;

/** Stands for what an app does at boot, such as reaching its database: a bad build fails here. */
class Database {
  constructor() {
    // The build on disk is a file with one word: its name, 'crash' or 'late-crash'. Read per process, as code is.
    this.build = readFileSync(process.env.BENCH_BUILD, 'utf8');
    record('boot', { build: this.build });
    if (this.build === 'crash') throw new Error('BENCH: this build cannot start');
    if (this.build === 'late-crash') setTimeout(dieLate, LATE_CRASH);
  }
}
decorateClass(Database, [], Injectable());

function dieLate() {
  throw new Error('BENCH: this build does not last');
}

class WorkController {
  constructor(database) {
    this.database = database;
  }

  /** One request of the load: takes its time without using the CPU. */
  async work() {
    await sleep(Number(process.env.BENCH_WORK));
    return { pid: process.pid, build: this.database.build };
  }

  /** Blocks the event loop of this worker for ever. */
  spin() {
    record('spin');
    for (;;);
  }
}
decorateMethod(WorkController, 'work', Get('work'));
decorateMethod(WorkController, 'spin', Get('spin'));
decorateClass(WorkController, [Database], Controller());

/** The app every system hosts, not listening yet; `imports` is where ours comes in. */
export async function createApp(imports = []) {
  class AppModule {}
  decorateClass(AppModule, [], Module({ imports, controllers: [WorkController], providers: [Database] }));
  return NestFactory.create(AppModule, await adapter(), { logger: ['error', 'warn'] });
}

async function adapter() {
  if (process.env.BENCH_PLATFORM === 'fastify') {
    const { FastifyAdapter } = await import('@nestjs/platform-fastify');
    return new FastifyAdapter();
  }
  const { ExpressAdapter } = await import('@nestjs/platform-express');
  return new ExpressAdapter();
}
