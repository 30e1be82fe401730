import { readdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { freePort } from '../shared/free-port.js';
import { JOURNAL } from '../shared/journal.js';
import { isAlive, launch, temporaryDirectory, until } from '../shared/launcher.js';
import { JournalReader } from './journal-reader.js';

/** A cluster that is not up after this long (ms) never comes up. */
const START_TIMEOUT = 60_000;

/** How often the journal is read, in ms. */
const POLL = 20;

/** How long everything has to stand still to be called settled, in ms. */
const STILL = 400;

/** Hangs are found out in seconds; the breaker stays out of the way, for crashes are what this is about. */
const OPTIONS = {
  watchdog: { interval: 500, suspectAfter: 2_000, killAfter: 6_000 },
  shutdown: { timeout: 15_000, killAfter: 1_000 },
  reload: { canaryTime: 500 },
  restart: { maxCrashes: 1_000_000, maxDelay: 1_000 },
};

/** The app under ClusterModule, as its operator sees it. */
export class ClusterUnderSoak {
  /** How many workers it was told to have. */
  target;
  /** The ready workers as the primary knows them: { pid, slot, generation, suspect }. */
  members = [];
  /** Pids of the workers that were forked and have not ended. */
  living = new Set();
  /** Pids that were members once. */
  served = new Set();
  /** Pids that booted a bad build. */
  bad = new Set();
  /** Version of the Node it runs on. */
  node;
  /** Phase of the last reload; 'asked' until the primary has begun it. */
  reload = 'done';
  #flags;
  #strikes;
  #observers;
  #directory = temporaryDirectory();
  #journal = join(this.#directory, 'journal');
  #build = join(this.#directory, 'build');
  #isBad = false;
  #reader;
  #timer;
  #changedAt = Date.now();
  #launched;

  /** Each of `observers` is called with every line of the journal. */
  constructor(flags, strikes, observers) {
    this.#flags = flags;
    this.#strikes = strikes;
    this.#observers = observers;
    this.target = flags.workers;
  }

  /** Starts it; resolves when all workers are ready. @throws with its output where they never are */
  async start() {
    writeFileSync(this.#journal, '');
    this.deploy('good');
    this.port = await freePort();
    this.#launched = launch(join(import.meta.dirname, 'app.js'), {
      ...(this.#flags.node === '' ? {} : { node: this.#flags.node }),
      env: {
        PORT: String(this.port),
        SOAK_WORK: String(this.#flags.work),
        SOAK_BUILD: this.#build,
        SOAK_OPTIONS: JSON.stringify({ workers: this.#flags.workers, ...OPTIONS }),
        NODE_ENV: 'production',
        [JOURNAL]: this.#journal,
      },
    });
    this.#reader = new JournalReader(this.#journal);
    this.#timer = setInterval(() => this.#read(), POLL);
    if (await this.settled(START_TIMEOUT)) return;
    throw new Error(`The cluster did not come up:\n${this.output()}`);
  }

  get primary() {
    return this.#launched.pid;
  }

  /** How the primary ended: { code, signal }; undefined while it runs. */
  get ended() {
    return this.#launched.ended;
  }

  /** Pids of all that lives: the primary, workers and whatever else they started. */
  alive() {
    return this.#launched.alive();
  }

  /** How many files the primary has open. */
  descriptors() {
    return readdirSync(`/proc/${this.primary}/fd`).length;
  }

  output() {
    return this.#launched.output();
  }

  /** Pids of the workers that are ready, were heard lately, and to whom nothing was done. */
  healthy() {
    return this.members
      .filter(({ pid, suspect }) => !suspect && isAlive(pid) && !this.#strikes.isStruck(pid))
      .map(({ pid }) => pid);
  }

  /** Puts a build on disk: see app.js. */
  deploy(build) {
    this.#isBad = build !== 'good';
    writeFileSync(this.#build, build);
  }

  /** A signal for the primary. */
  signal(signal) {
    process.kill(this.primary, signal);
    this.#changedAt = Date.now();
  }

  /** Asks for a reload. */
  askForReload() {
    this.reload = 'asked';
    this.signal('SIGHUP');
  }

  /** One worker more, or less. */
  step(by) {
    this.target += by;
    this.signal(by > 0 ? 'SIGTTIN' : 'SIGTTOU');
  }

  /** Sends a request that is no part of the load; resolves to whether it was answered. */
  post(path) {
    return new Promise((resolve) => {
      const request = http.request({ host: '127.0.0.1', port: this.port, path, method: 'POST', agent: false });
      request.on('response', (response) => response.resume().on('end', () => resolve(true)));
      request.on('error', () => resolve(false));
      request.end();
    });
  }

  /** Resolves to whether all workers that are wanted, and no others, are there and well within `timeout` ms. */
  settled(timeout) {
    return until(() => this.#isCalm() && Date.now() - this.#changedAt >= STILL, timeout);
  }

  /** Resolves to whether the primary ended within `timeout` ms, with all lines of the journal read. */
  async over(timeout) {
    const ended = await until(() => this.ended !== undefined, timeout);
    clearInterval(this.#timer);
    this.#read();
    this.#reader.close();
    return ended;
  }

  #isCalm() {
    return (
      (this.reload === 'done' || this.reload === 'failed') &&
      this.members.length === this.target &&
      this.living.size === this.target &&
      this.healthy().length === this.target
    );
  }

  #read() {
    for (const entry of this.#reader.read()) {
      this.#enter(entry);
      for (const observe of this.#observers) observe(entry);
    }
  }

  #enter(entry) {
    if (entry.what === 'members') {
      this.members = entry.members;
      for (const { pid } of entry.members) this.served.add(pid);
    } else if (entry.what === 'fork') {
      this.living.add(entry.worker);
      if (this.#isBad) this.bad.add(entry.worker);
    } else if (entry.what === 'started') {
      this.node = entry.node;
    } else if (entry.what === 'exit') this.living.delete(entry.worker);
    else if (entry.what === 'reload') this.reload = entry.phase;
    else return;
    this.#changedAt = Date.now();
  }
}
