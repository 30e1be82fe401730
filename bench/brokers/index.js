import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ClusterUnderTest } from '../bus/cluster-under-test.js';
import { countOf } from '../bus/planes.js';
import { readFlags } from '../shared/flags.js';
import { main } from '../shared/launcher.js';
import { spread } from '../shared/statistics.js';
import { machine, table } from '../shared/table.js';
import { BROKERS } from './brokers.js';

/** Much less than over the embedded bus is what a broker does in the same time. See bus/planes.js. */
const PLANES = {
  broadcast: { call: 'broadcast', everyone: true, count: 20_000, perTurn: 100 },
  consume: { call: 'consume', count: 4_000, inFlight: 1_000 },
  'consume-64': { call: 'consume', count: 4_000, inFlight: 64 },
  map: { call: 'map', everyone: true, count: 4_000, inFlight: 64 },
};

const flags = readFlags(
  'node bench/brokers: what one broker carries, in calls a second and in CPU, and what members cost that do nothing.',
  {
    brokers: { default: Object.keys(BROKERS), allowed: Object.keys(BROKERS), help: 'each is started, with a file' },
    hosts: { default: [1, 2, 4], help: 'numbers of hosts: primaries on this machine' },
    workers: { default: 2, help: 'workers of each host' },
    planes: { default: Object.keys(PLANES), allowed: Object.keys(PLANES), help: 'which calls' },
    size: { default: 100, help: 'payload, bytes as JSON' },
    idle: { default: 20, help: 'seconds of doing nothing' },
    rounds: { default: 3, help: 'runs of each, after one that is not counted' },
    scale: { default: 1, help: 'more (2) or fewer (0.5) messages in a run' },
    json: { default: '', help: 'file for everything that was measured' },
  },
);

/** All members have heard of each other by then, in ms. */
const SETTLED = 3_000;

const SYSTEM = {
  file: join(import.meta.dirname, 'hosts.js'),
  calls: ['broadcast', 'consume', 'map'],
  answered: ['consume', 'map'],
};

const digits = (value) => value.toPrecision(3);
const results = [];
const idleRows = [];
const rows = [];

async function measure(name, hosts) {
  const workers = hosts * flags.workers;
  const broker = await BROKERS[name].start();
  const env = { BENCH_BROKER: broker.url, BENCH_HOSTS: String(hosts) };
  const cluster = new ClusterUnderTest({ ...SYSTEM, env }, broker.pid);
  try {
    await cluster.start(workers);
    await setTimeout(SETTLED);
    idleRows.push([name, hosts, workers, ...(await idle(cluster, broker, workers + hosts))]);
    for (const plane of flags.planes) rows.push([name, hosts, workers, plane, ...(await run(cluster, plane, workers))]);
  } finally {
    await cluster.end();
    await broker.end();
  }
}

/** Of `members` that only say that they live. */
async function idle(cluster, broker, members) {
  const [before, beforeTraffic] = [cluster.cpu(), await broker.traffic()];
  const startedAt = performance.now();
  await setTimeout(flags.idle * 1_000);
  const seconds = (performance.now() - startedAt) / 1_000;
  const [after, traffic] = [cluster.cpu(), await broker.traffic()];
  const share = (ms) => (ms / 10 / seconds).toFixed(2);
  const ofBroker = after.primary - before.primary;
  const rates = [traffic.in - beforeTraffic.in, traffic.out - beforeTraffic.out].map((n) => (n / seconds).toFixed(0));
  results.push({ idle: true, members, ofBroker, ofAll: after.all - before.all, seconds, rates });
  return [members, ...rates, share(ofBroker), share((after.all - before.all - ofBroker) / members)];
}

async function run(cluster, name, workers) {
  const plane = PLANES[name];
  const setting = { size: flags.size, count: countOf(plane, flags.size, workers, flags.scale) };
  await cluster.measure(plane, setting);
  const samples = [];
  for (let round = 0; round < flags.rounds; round++) samples.push(await cluster.measure(plane, setting));
  results.push({ name, workers, setting, samples });
  const calls = setting.count;
  const latency = (which) =>
    samples[0].latencies
      ? spread(
          samples.map(({ latencies }) => latencies[which]),
          digits,
        )
      : '–';
  return [
    spread(
      samples.map(({ time }) => (calls / time) * 1_000),
      (rate) => rate.toFixed(0),
    ),
    spread(
      samples.map(({ primaryCpu }) => (primaryCpu / calls) * 1_000),
      digits,
    ),
    spread(
      samples.map(({ cpu, primaryCpu }) => ((cpu - primaryCpu) / calls) * 1_000),
      digits,
    ),
    latency('p50'),
    latency('p99'),
  ];
}

async function benchmark() {
  for (const name of flags.brokers) {
    for (const hosts of flags.hosts) {
      await measure(name, hosts);
      if (flags.json) writeFileSync(flags.json, JSON.stringify({ flags, results }, undefined, 2));
      console.error(`${name}, ${hosts} hosts: done`);
    }
  }
  console.log(`\n${machine(availableParallelism())}; medians (min–max) of ${flags.rounds} runs\n`);
  const place = ['broker', 'hosts', 'workers'];
  console.log('Doing nothing:\n');
  const cpu = ['broker’s CPU, % of a core', 'a member’s, %'];
  console.log(table([...place, 'members', 'in/s', 'out/s', ...cpu], idleRows));
  console.log(`\nin, out: ${flags.brokers.map((name) => `${name}: ${BROKERS[name].unit.join(', ')}`).join('; ')}\n`);
  const costs = ['broker’s µs a call', 'members’ µs a call', 'p50 ms', 'p99 ms'];
  console.log(table([...place, 'plane', 'calls/s', ...costs], rows));
}

await main(benchmark);
