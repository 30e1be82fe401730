import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { launch, removeDirectory, temporaryDirectory, until } from '../shared/launcher.js';
import { cpuTime } from '../shared/process-table.js';
import { deliveriesOf } from './planes.js';

/** Workers that have not said hello by then never do, in ms. */
const START_TIMEOUT = 60_000;

/** A step that takes longer than this (ms) has lost a message. */
const STEP_TIMEOUT = 120_000;

/** More than a queue of ours may hold (`messenger.queueLimit`), in bytes. */
const OVERFLOW = 12 * 2 ** 20;

/** One system with all its workers, driven over a control connection to each worker. */
export class ClusterUnderTest {
  #workers = [];
  #waiting = new Set();
  #directory = temporaryDirectory();
  #path = join(this.#directory, 'control');
  #server = createServer((socket) => this.#met(socket));
  #launched;
  #system;
  #broker;

  /**
   * `system` is an entry of systems/index.js; `broker` is the pid of what its messages go through, where that is a
   * process of its own.
   */
  constructor(system, broker) {
    this.#system = system;
    this.#broker = broker;
  }

  /** Starts it with so many workers in all; resolves when each of them takes orders. */
  async start(workers) {
    await new Promise((resolve) => this.#server.listen(this.#path, resolve));
    const { file, env } = this.#system;
    this.#launched = launch(file, {
      env: { ...env, BENCH_CONTROL: this.#path, BENCH_WORKERS: String(workers), NODE_ENV: 'production' },
    });
    if (!(await until(() => this.#launched.ended || this.#workers.length === workers, START_TIMEOUT))) {
      throw new Error(`Not all workers came up:\n${this.#launched.output()}`);
    }
    if (this.#launched.ended) throw new Error(`It ended at once:\n${this.#launched.output()}`);
    // By age where they do not know it: think-cluster's consume works in the oldest worker only.
    this.#workers.sort((a, b) => (a.index ?? a.pid) - (b.index ?? b.pid));
  }

  async end() {
    for (const { socket } of this.#workers) socket.destroy();
    this.#server.close();
    await this.#launched?.end();
    removeDirectory(this.#directory);
  }

  /**
   * `count` messages of `size` bytes from the first worker, at the pace of the plane. Resolves to deliveries, the time
   * from the first send to the last delivery or answer (ms), the CPU time of all processes together meanwhile and the
   * primary's, or the broker's, part of it (ms), and the latencies { p50, p99 } (ms) where answers were waited for.
   */
  async measure(plane, { size, count }) {
    const [sender] = this.#workers;
    const workers = this.#workers.length;
    const asked = workers - (plane.spared ?? 0);
    const isAnswered = this.#system.answered.includes(plane.call);
    const pace = isAnswered
      ? { inFlight: plane.inFlight, interval: plane.interval }
      : { perTurn: plane.perTurn ?? plane.inFlight };
    // Where there are answers, the sender having run is enough; else all has to arrive.
    const expected = isAnswered ? [] : this.#expected(plane, count);
    await Promise.all(
      this.#workers.map((worker, i) => this.#step(worker, { order: 'expect', count: expected[i] }, 'expecting')),
    );
    await this.#step(sender, { order: 'prepare', size, count }, 'prepared');
    const stopped = plane.stopped ? this.#workers.slice(-plane.spared) : [];
    for (const { pid } of stopped) process.kill(pid, 'SIGSTOP');
    if (stopped.length > 0) await this.#step(sender, { order: 'fill', bytes: OVERFLOW }, 'filled');
    const before = this.cpu();
    const startedAt = performance.now();
    const [{ latencies }] = await Promise.all([
      this.#step(sender, { order: 'run', call: plane.call, pace, workers: asked }, 'ran'),
      ...this.#workers.filter((_, i) => expected[i] > 0).map((worker) => this.#report(worker, 'received')),
    ]);
    const time = performance.now() - startedAt;
    const after = this.cpu();
    for (const { pid } of stopped) process.kill(pid, 'SIGCONT');
    await Promise.all(stopped.map((worker) => this.#step(worker, { order: 'expect' }, 'expecting')));
    return {
      deliveries: deliveriesOf(plane, count, workers),
      time,
      cpu: after.all - before.all,
      primaryCpu: after.primary - before.primary,
      latencies,
    };
  }

  /** How many messages arrive in each worker. */
  #expected({ call }, count) {
    if (call !== 'consume') return this.#workers.map(() => count);
    if (this.#system.consumesInTurn) return this.#workers.map(() => count / this.#workers.length);
    return [count];
  }

  /** CPU time so far (ms): of all, and of those that the messages go through. */
  cpu() {
    const pids = this.#launched.alive();
    if (this.#broker !== undefined) pids.push(this.#broker);
    return {
      all: pids.reduce((sum, pid) => sum + cpuTime(pid), 0),
      primary: cpuTime(this.#broker ?? this.#launched.pid),
    };
  }

  #met(socket) {
    socket.on('error', () => {}); // It ends with its worker.
    createInterface({ input: socket }).on('line', (line) => {
      const report = JSON.parse(line);
      const { pid, type, index } = report;
      if (type === 'hello') this.#workers.push({ pid, index, socket });
      for (const waiter of this.#waiting) if (waiter.pid === pid && waiter.type === type) waiter.resolve(report);
    });
  }

  #step(worker, order, type) {
    const report = this.#report(worker, type);
    worker.socket.write(`${JSON.stringify(order)}\n`);
    return report;
  }

  #report({ pid }, type) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => waiter.settle(() => reject(new Error(`no '${type}' from ${pid}:\n${this.#launched.output()}`))),
        STEP_TIMEOUT,
      );
      const waiter = {
        pid,
        type,
        resolve: (report) => waiter.settle(() => resolve(report)),
        settle: (settle) => {
          clearTimeout(timer);
          this.#waiting.delete(waiter);
          settle();
        },
      };
      this.#waiting.add(waiter);
    });
  }
}
