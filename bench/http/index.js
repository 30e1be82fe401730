import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { readFlags } from '../shared/flags.js';
import { main } from '../shared/launcher.js';
import { nodeBinary } from '../../scripts/node-binary.js';
import { settingTable } from './report.js';
import { run } from './run.js';
import { SYSTEMS } from './systems/index.js';
import { requireWrk } from './wrk.js';

const APPS = { express: 'Nest on Express', fastify: 'Nest on Fastify', http: 'bare node:http' };
const CONNECTIONS = { 'keep-alive': 'keep-alive', close: 'a connection per request' };

/** Since when `listen` knows `reusePort`: minor version by major version; later majors all do. */
const REUSE_PORT_SINCE = { 22: 12, 23: 1 };

const flags = readFlags(
  'node bench/http: throughput and latency of one small app, and the CPU time a request costs its servers, in each\n' +
    'listen mode of ours and in others, by turns in one run. The load is made by wrk, which has to be installed.',
  {
    systems: { default: Object.keys(SYSTEMS), allowed: Object.keys(SYSTEMS), help: 'which systems' },
    apps: { default: Object.keys(APPS), quick: ['express'], allowed: Object.keys(APPS), help: 'which apps' },
    connections: {
      default: Object.keys(CONNECTIONS),
      allowed: Object.keys(CONNECTIONS),
      help: 'kept, or one for each request',
    },
    rounds: { default: 5, quick: 1, help: 'rounds; every system is started and measured once in each' },
    duration: { default: 5, quick: 2, help: 'how long each is measured, s' },
    'warm-up': { default: 2, quick: 1, help: 'load before that, s' },
    workers: { default: 2, help: 'workers' },
    clients: { default: 64, help: 'connections at a time' },
    // A string, for numbers of this command line are over 0.
    burn: { default: '0', help: 'CPU time a request takes in the handler, ms' },
    node: { default: process.execPath, help: 'path of the Node that runs the servers' },
    nodes: { default: [], help: 'all of it once for each of these Node versions, which are fetched, such as 20,24' },
    json: { default: '', help: 'file for everything that was measured' },
    quick: { default: false, help: 'Express only, once and shorter, about 2 minutes' },
  },
);

/** After a signal main() ends all that was started until then; so nothing more may start. */
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => (interrupted = true));

function burnTime() {
  const burn = Number(flags.burn);
  if (!(burn >= 0)) throw new Error(`--burn ${flags.burn}: expected a number, 0 or more.`);
  return burn;
}

function checkSeconds() {
  for (const name of ['duration', 'warm-up']) {
    if (!Number.isInteger(flags[name])) throw new Error(`--${name} ${flags[name]}: wrk takes whole seconds.`);
  }
}

async function benchmark() {
  checkSeconds();
  const burn = burnTime();
  await requireWrk();
  const results = [];
  for (const node of flags.nodes.length > 0 ? flags.nodes.map(nodeBinary) : [flags.node]) {
    const version = execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim();
    console.log(
      `\n${flags.workers} workers, ${flags.clients} connections, ${flags.duration} s after ${flags['warm-up']} s of ` +
        `warm-up, ${burn} ms burnt per request; medians (min–max) of ${flags.rounds} rounds; ` +
        `servers on Node ${version}, ${process.platform}, ${availableParallelism()} cores`,
    );
    for (const app of flags.apps) {
      for (const connections of flags.connections) {
        const outcomes = await compare({ app, connections, node, version, burn, flags });
        console.log(`\nNode ${version}, ${APPS[app]}, ${CONNECTIONS[connections]}:\n`);
        console.log(settingTable(flags.systems, outcomes));
        results.push({ node: version, app, connections, outcomes });
        // As far as it got, should the rest be interrupted.
        if (flags.json) writeFileSync(flags.json, JSON.stringify({ flags, results }, undefined, 2));
      }
    }
  }
}

/** All rounds of one setting. In each another system begins, so that none always follows the same one's heat. */
async function compare(setting) {
  const { systems, rounds } = flags;
  const outcomes = Object.fromEntries(systems.map((name) => [name, { samples: [], failures: [] }]));
  const possible = systems.filter((name) => !SYSTEMS[name].needsReusePort || canReusePort(setting.version));
  for (const name of systems) if (!possible.includes(name)) outcomes[name].failures.push('needs Node 22.12 or later');
  for (let round = 0; round < rounds; round++) {
    const first = round % possible.length;
    for (const name of [...possible.slice(first), ...possible.slice(0, first)]) {
      outcomes[name].samples[round] = await attempt(name, setting, outcomes[name].failures);
    }
    console.error(`${setting.app}, ${setting.connections}: round ${round + 1} of ${rounds}`);
  }
  return outcomes;
}

/** A run that fails is said in the table and leaves the others alone. */
async function attempt(name, setting, failures) {
  if (interrupted) await new Promise(() => {});
  try {
    return await run(name, setting);
  } catch (error) {
    console.error(`${name}:`, error);
    failures.push(error.message.split('\n')[0]);
    process.exitCode = 1;
    return undefined;
  }
}

function canReusePort(version) {
  const [major, minor] = version.split('.').map(Number);
  return major in REUSE_PORT_SINCE ? minor >= REUSE_PORT_SINCE[major] : major > 22;
}

await main(benchmark);
