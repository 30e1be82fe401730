import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { decorateClass, decorateMethod } from '../shared/decorate.js';
import { record } from '../shared/journal.js';
import { ConsumeOnce, MessengerService, OnClusterEvent } from '../shared/nestjs-cluster.js';

/** How often each worker speaks, in ms. */
const BROADCAST_INTERVAL = 500;
const CONSUME_INTERVAL = 200;
const MAP_INTERVAL = 1_000;

/** How long a task takes, in ms: long enough to be interrupted. */
const TASK_TIME = 20;

/**
 * In each worker: a steady load on the messenger. What is sent, received, run and settled is written down the
 * moment it happens, so that the books survive the worker.
 */
export class Chatter {
  #messenger;
  #timers = [];
  #pending = new Set();
  #seq = 0;
  #runs = 0;

  constructor(messenger) {
    this.#messenger = messenger;
  }

  onApplicationBootstrap() {
    const every = (interval, speak) =>
      setInterval(() => {
        const call = speak().finally(() => this.#pending.delete(call));
        this.#pending.add(call);
      }, interval);
    this.#timers = [
      every(BROADCAST_INTERVAL, () => this.#broadcast()),
      every(CONSUME_INTERVAL, () => this.#consume()),
      every(MAP_INTERVAL, () => this.#map()),
    ];
  }

  /** Says nothing more: a cluster that stops has nobody who would take a task. */
  hush() {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** A worker that leaves waits for its answers, as an app would that needs them. */
  async onModuleDestroy() {
    this.hush();
    await Promise.all(this.#pending);
  }

  async #broadcast() {
    const seq = ++this.#seq;
    const before = Date.now();
    try {
      await this.#messenger.broadcast('soak.news', { from: process.pid, seq });
      record('told', { seq, before });
    } catch (error) {
      record('untold', { seq, error: text(error) });
    }
  }

  /** By turns a task of this worker's own, and one that every worker asks for under the same id. */
  async #consume() {
    const tick = Math.floor(Date.now() / CONSUME_INTERVAL);
    const id = tick % 2 === 0 ? `all.${tick}` : `${process.pid}.${tick}`;
    const call = ++this.#seq;
    record('asked', { call, id });
    try {
      const result = await this.#messenger.consume('soak.task', { id }, { id });
      record('answered', { call, id, result });
    } catch (error) {
      record('answered', { call, id, error: text(error) });
    }
  }

  async #map() {
    const call = ++this.#seq;
    record('mapped', { call });
    try {
      const outcomes = await this.#messenger.mapSettled('soak.pid');
      const failed = outcomes.filter(({ status }) => status === 'rejected');
      record('collected', {
        call,
        slots: outcomes.map(({ slot }) => slot),
        failed: failed.map(({ slot, reason }) => ({ slot, name: reason.name, text: text(reason) })),
      });
    } catch (error) {
      record('collected', { call, error: text(error) });
    }
  }

  hear({ from, seq }) {
    record('heard', { from, seq });
  }

  async run({ id }, { attempt }) {
    const run = `${process.pid}.${++this.#runs}`;
    record('ran', { id, run, attempt });
    await sleep(TASK_TIME);
    return { id, run };
  }

  pid() {
    return process.pid;
  }
}
decorateMethod(Chatter, 'hear', OnClusterEvent('soak.news'));
decorateMethod(Chatter, 'hush', OnClusterEvent('soak.hush'));
decorateMethod(Chatter, 'run', ConsumeOnce('soak.task'));
decorateMethod(Chatter, 'pid', OnClusterEvent('soak.pid'));
decorateClass(Chatter, [MessengerService], Injectable());

function text(error) {
  return `${error?.name}: ${error?.message}`;
}
