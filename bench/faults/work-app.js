import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { decorateClass, decorateMethod } from '../shared/decorate.js';
import { record } from '../shared/journal.js';

/** Stands for what an app does at boot, such as reaching its database: a bad build fails here. */
class Database {
  constructor() {
    // The build on disk is a file with one word: its name, or 'crash'. Read per process, as code is.
    this.build = readFileSync(process.env.BENCH_BUILD, 'utf8');
    record('boot', { build: this.build });
    if (this.build === 'crash') throw new Error('BENCH: this build cannot start');
  }
}
decorateClass(Database, [], Injectable());

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

/** The app every system hosts; `imports` is where ours comes in. */
export function workModule(imports) {
  class AppModule {}
  return decorateClass(AppModule, [], Module({ imports, controllers: [WorkController], providers: [Database] }));
}

/** What the app logs: errors only. */
export const APP_OPTIONS = { logger: ['error', 'warn'] };
