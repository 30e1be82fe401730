import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { freePort } from '../shared/free-port.js';
import { JOURNAL, readJournal } from '../shared/journal.js';
import { isAlive, removeDirectory, temporaryDirectory, until } from '../shared/launcher.js';
import { Load } from './load.js';
import { SYSTEMS } from './systems/index.js';

/** A site that is not up after this long (ms) never comes up. */
const START_TIMEOUT = 60_000;

/** The app under one of the systems, as an operator and a client see it. */
export class Site {
  #directory = temporaryDirectory();
  #journal = join(this.#directory, 'journal');
  #build = join(this.#directory, 'build');
  #flags;
  #loads = [];
  #port;
  #system;

  constructor(flags) {
    this.#flags = flags;
  }

  /**
   * Runs `observe(site)` on a site of its own and ends it, whatever happens. `build` is on disk when it starts;
   * `options` are further options of ours, which the other systems do not see.
   */
  static async with(name, flags, { build = 'first', options = {}, platform = 'express' }, observe) {
    const site = new Site(flags);
    try {
      await site.#start(name, build, options, platform);
      return { ...(await observe(site)), output: site.output() };
    } finally {
      await site.#end();
    }
  }

  async #start(name, build, options, platform) {
    writeFileSync(this.#journal, '');
    this.deploy(build);
    this.#port = await freePort();
    this.startedAt = Date.now();
    this.#system = await SYSTEMS[name].start({
      PORT: String(this.#port),
      BENCH_WORKERS: String(this.#flags.workers),
      BENCH_WORK: String(this.#flags.work),
      BENCH_PLATFORM: platform,
      BENCH_BUILD: this.#build,
      BENCH_OPTIONS: JSON.stringify(options),
      [JOURNAL]: this.#journal,
      NODE_ENV: 'production',
    });
  }

  async #end() {
    for (const load of this.#loads) load.abort();
    await this.#system?.end();
    removeDirectory(this.#directory);
  }

  /** Pid of the process that supervises. */
  get primary() {
    return this.#system.primary;
  }

  /** Puts a build on disk: its name, 'crash' or 'late-crash'. */
  deploy(build) {
    writeFileSync(this.#build, build);
  }

  /** Asks for a reload; does not wait. */
  reload() {
    return this.#system.reload();
  }

  /** What the app's processes recorded, in order. */
  journal(what) {
    return readJournal(this.#journal).filter((entry) => entry.what === what);
  }

  /** Pids of the living workers that have been ready. */
  workers() {
    return this.journal('ready')
      .map(({ pid }) => pid)
      .filter((pid) => isAlive(pid));
  }

  /** Pids of all that lives: supervisor, workers and whatever else they started. */
  alive() {
    return this.#system.launched.alive();
  }

  /** How the supervising process ended; undefined while it runs. */
  ending() {
    return this.#system.ending();
  }

  /** What the system printed. */
  output() {
    return this.#system.launched.output();
  }

  /** Resolves once all workers are ready. @throws with the system's output where they never are */
  async up() {
    if (await until(() => this.workers().length >= this.#flags.workers, START_TIMEOUT)) return;
    throw new Error(`The site did not come up:\n${this.output()}`);
  }

  /** Load on this site, not started; it ends with the site at the latest. */
  load(keepAlive) {
    const { rate, timeout } = this.#flags;
    const load = new Load({ port: this.#port, rate, timeout, keepAlive });
    this.#loads.push(load);
    return load;
  }

  /** Blocks one worker for ever; resolves to its pid. */
  async spin() {
    const request = http.get({ host: '127.0.0.1', port: this.#port, path: '/spin', agent: false });
    request.on('error', () => {}); // Nobody answers it; it breaks when the worker is killed.
    if (!(await until(() => this.journal('spin').length > 0, START_TIMEOUT))) throw new Error('No worker spins');
    return this.journal('spin')[0].pid;
  }
}
