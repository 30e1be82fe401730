import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../shared/launcher.js';

/** A request that blocks a worker, or makes it throw, arrives within this time, in ms. */
const ARRIVAL_TIMEOUT = 10_000;

/** A reload into a bad build is over within this time, in ms. */
const RELOAD_TIMEOUT = 60_000;

/** A pause is over before the watchdog's patience is, in ms. */
const LONGEST_PAUSE = 3_500;

const BAD_BUILDS = ['throws at boot', 'exits at boot', 'dies after ready'];

/**
 * What is done to the cluster. `takes`: how many healthy workers it takes away from the clients. `alone`: nothing
 * else may happen meanwhile. `possible(soak)`: whether it can be done now. `inflict(soak)` resolves to a few words,
 * when it is done; what follows from it goes on.
 */
export const FAULTS = [
  {
    name: 'kill',
    weight: 4,
    takes: 1,
    inflict: async ({ cluster, strikes, random }) => {
      const pid = random.pick(cluster.healthy());
      await strikes.kill(pid);
      return `SIGKILL of ${pid}`;
    },
  },
  {
    name: 'stop',
    weight: 2,
    takes: 1,
    inflict: async ({ cluster, strikes, random }) => {
      const pid = random.pick(cluster.healthy());
      strikes.deadly('stop', pid);
      process.kill(pid, 'SIGSTOP');
      return `SIGSTOP of ${pid} until it is killed`;
    },
  },
  {
    name: 'pause',
    weight: 2,
    takes: 0,
    inflict: async ({ cluster, random }) => {
      const pid = random.pick(cluster.healthy());
      const duration = Math.round(random.between(200, LONGEST_PAUSE));
      process.kill(pid, 'SIGSTOP');
      await sleep(duration);
      process.kill(pid, 'SIGCONT');
      return `SIGSTOP of ${pid} for ${duration} ms`;
    },
  },
  {
    name: 'hang',
    weight: 3,
    takes: 1,
    inflict: async ({ cluster, strikes, journal }) => {
      const before = journal.hang.length;
      void cluster.post('/hang'); // Nobody answers it; it breaks when the worker is killed.
      if (!(await until(() => journal.hang.length > before, ARRIVAL_TIMEOUT))) return 'hang: no worker took it';
      const { pid, at } = journal.hang.at(-1);
      strikes.deadly('hang', pid, at);
      return `while (true) in ${pid}`;
    },
  },
  {
    name: 'throw',
    weight: 3,
    takes: 1,
    inflict: async ({ cluster, strikes, journal }) => {
      const before = journal.throw.length;
      void cluster.post('/throw');
      if (!(await until(() => journal.throw.length > before, ARRIVAL_TIMEOUT))) return 'throw: no worker took it';
      const { pid } = journal.throw.at(-1);
      strikes.gentle(pid);
      return `an uncaught error in ${pid}`;
    },
  },
  {
    name: 'reload',
    weight: 4,
    takes: 0,
    outcome: 'done',
    inflict: async ({ cluster }) => {
      cluster.askForReload();
      return 'a reload';
    },
  },
  {
    name: 'bad reload',
    weight: 4,
    takes: 0,
    alone: true,
    outcome: 'failed',
    inflict: async ({ cluster, random }) => {
      const build = random.pick(BAD_BUILDS);
      cluster.deploy(build);
      cluster.askForReload();
      await until(() => cluster.reload === 'failed' || cluster.reload === 'done', RELOAD_TIMEOUT);
      cluster.deploy('good');
      return `a reload into a build that ${build}`;
    },
  },
  {
    name: 'grow',
    weight: 2,
    takes: 0,
    possible: ({ cluster, flags }) => cluster.target < flags.workers + 2,
    inflict: async ({ cluster }) => {
      cluster.step(1);
      return `SIGTTIN, to ${cluster.target}`;
    },
  },
  {
    name: 'shrink',
    weight: 2,
    takes: 1,
    possible: ({ cluster, flags }) => cluster.target > flags.workers,
    inflict: async ({ cluster }) => {
      cluster.step(-1);
      return `SIGTTOU, to ${cluster.target}`;
    },
  },
];
