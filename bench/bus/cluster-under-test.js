import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { launch, removeDirectory, temporaryDirectory, until } from '../shared/launcher.js';
import { cpuTime } from '../shared/process-table.js';

/** Workers that have not said hello by then never do, in ms. */
const START_TIMEOUT = 60_000;

/** A step that takes longer than this (ms) has lost a message. */
const STEP_TIMEOUT = 120_000;

/** One system with all its workers, driven over a control connection to each worker. */
export class ClusterUnderTest {
  #workers = [];
  #waiting = new Set();
  #directory = temporaryDirectory();
  #path = join(this.#directory, 'control');
  #server = createServer((socket) => this.#met(socket));
  #launched;
  #answersConsume;

  /** Without an answer to consume, it is taken to run in the first worker, which is also the one that asks. */
  constructor({ answersConsume }) {
    this.#answersConsume = answersConsume;
  }

  /** Starts `file` with so many workers; resolves when each of them takes orders. */
  async start(file, workers) {
    await new Promise((resolve) => this.#server.listen(this.#path, resolve));
    this.#launched = launch(file, {
      env: { BENCH_CONTROL: this.#path, BENCH_WORKERS: String(workers), NODE_ENV: 'production' },
    });
    if (!(await until(() => this.#launched.ended || this.#workers.length === workers, START_TIMEOUT))) {
      throw new Error(`Not all workers came up:\n${this.#launched.output()}`);
    }
    if (this.#launched.ended) throw new Error(`It ended at once:\n${this.#launched.output()}`);
    // In order of age: think-cluster's consume works in the oldest worker only.
    this.#workers.sort((a, b) => a.pid - b.pid);
  }

  async end() {
    for (const { socket } of this.#workers) socket.destroy();
    this.#server.close();
    await this.#launched?.end();
    removeDirectory(this.#directory);
  }

  /**
   * `count` messages of `size` bytes from the first worker. Resolves to deliveries, the time from the first
   * send to the last delivery or answer (ms) and the CPU time of all processes together meanwhile (ms).
   */
  async measure(plane, { size, count, inFlight }) {
    const [sender] = this.#workers;
    const deliveries = plane === 'consume' ? count : count * this.#workers.length;
    await Promise.all(this.#workers.map((worker) => this.#step(worker, { order: 'expect', count }, 'expecting')));
    await this.#step(sender, { order: 'prepare', size, count }, 'prepared');
    const cpu = this.#cpu();
    const startedAt = performance.now();
    await Promise.all([
      this.#step(sender, { order: 'run', plane, inFlight }, 'ran'),
      ...this.#receivers(plane).map((worker) => this.#report(worker, 'received')),
    ]);
    return { deliveries, time: performance.now() - startedAt, cpu: this.#cpu() - cpu };
  }

  /** Who has to say that all has arrived. Where there are answers, the sender having run is enough. */
  #receivers(plane) {
    if (plane === 'broadcast') return this.#workers;
    return plane === 'consume' && !this.#answersConsume ? [this.#workers[0]] : [];
  }

  #cpu() {
    return this.#launched.alive().reduce((sum, pid) => sum + cpuTime(pid), 0);
  }

  #met(socket) {
    socket.on('error', () => {}); // It ends with its worker.
    createInterface({ input: socket }).on('line', (line) => {
      const { pid, type } = JSON.parse(line);
      if (type === 'hello') this.#workers.push({ pid, socket });
      for (const waiter of this.#waiting) if (waiter.pid === pid && waiter.type === type) waiter.resolve();
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
        resolve: () => waiter.settle(resolve),
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
