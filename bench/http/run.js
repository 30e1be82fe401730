import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { freePort } from '../shared/free-port.js';
import { JOURNAL, readJournal } from '../shared/journal.js';
import { removeDirectory, temporaryDirectory, until } from '../shared/launcher.js';
import { cpuTime } from '../shared/process-table.js';
import { SYSTEMS } from './systems/index.js';
import { load } from './wrk.js';

/** A system that does not serve after this long (ms) never does. */
const START_TIMEOUT = 60_000;

/**
 * Starts the system, warms it up, measures it and ends it. Resolves to wrk's figures, `cpu`, the CPU time of all
 * of the system's processes per request in µs, `primaryShare` of it, and `processes`, each one's CPU time in ms.
 */
export async function run(name, { app, connections, node, burn, flags }) {
  const directory = temporaryDirectory();
  const journal = join(directory, 'journal');
  writeFileSync(journal, '');
  const port = await freePort();
  let system;
  try {
    system = await SYSTEMS[name].start(
      {
        PORT: String(port),
        BENCH_APP: app,
        BENCH_BURN: String(burn),
        BENCH_WORKERS: String(flags.workers),
        [JOURNAL]: journal,
        NODE_ENV: 'production',
        NODE_CLUSTER_SCHED_POLICY: '', // Whatever the shell says.
      },
      node,
    );
    await serving(system, port, journal, SYSTEMS[name].alone ? 1 : flags.workers);
    const put = (seconds) => load(port, { clients: flags.clients, seconds, keepAlive: connections === 'keep-alive' });
    await put(flags['warm-up']);
    return await withCpuTime(system, SYSTEMS[name].alone, () => put(flags.duration));
  } finally {
    await system?.end();
    removeDirectory(directory);
  }
}

/** Resolves when every worker has said that it listens, and the port answers. */
async function serving({ launched, primary }, port, journal, workers) {
  const died = () => launched.ended && launched.pid === primary;
  const serves = async () =>
    readJournal(journal).filter(({ what }) => what === 'ready').length >= workers && (await answers(port));
  if ((await until(async () => died() || (await serves()), START_TIMEOUT)) && !died()) return;
  throw new Error(`It did not come up:\n${launched.output()}`);
}

function answers(port) {
  return new Promise((resolve) => {
    http
      .get({ host: '127.0.0.1', port, agent: false, timeout: START_TIMEOUT }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode === 200));
      })
      .on('error', () => resolve(false));
  });
}

async function withCpuTime({ launched, primary }, alone, measure) {
  const pids = launched.alive();
  const before = pids.map(cpuTime);
  const figures = await measure();
  const processes = pids.map((pid, index) => ({ pid, primary: pid === primary, cpu: cpuTime(pid) - before[index] }));
  const now = launched.alive();
  if (now.length !== pids.length || !now.every((pid) => pids.includes(pid))) {
    throw new Error(`Its processes were not the same all the while:\n${launched.output()}`);
  }
  const cpu = processes.reduce((sum, each) => sum + each.cpu, 0);
  const primaryShare = alone ? undefined : processes.find((each) => each.primary).cpu / cpu;
  return { ...figures, cpu: (cpu / figures.requests) * 1_000, primaryShare, processes };
}
