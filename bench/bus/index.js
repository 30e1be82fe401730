import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { readFlags } from '../shared/flags.js';
import { main } from '../shared/launcher.js';
import { ratios, spread, times } from '../shared/statistics.js';
import { machine, table } from '../shared/table.js';
import { ClusterUnderTest } from './cluster-under-test.js';
import { countOf, PLANES, warmUpOf } from './planes.js';
import { SYSTEMS } from './systems/index.js';

const flags = readFlags(
  'node bench/bus: messages between workers, ours against others, by turns in one run.\n' +
    'Deliveries are counted where they arrive; CPU is that of all processes, primary included.',
  {
    planes: { default: Object.keys(PLANES), allowed: Object.keys(PLANES), help: 'which calls, at which pace' },
    peers: { default: Object.keys(SYSTEMS), allowed: Object.keys(SYSTEMS), help: 'which systems; the first one first' },
    sizes: { default: [100], help: 'payload sizes, bytes as JSON' },
    workers: { default: [4], help: 'numbers of workers, 2 or more' },
    rounds: { default: 5, help: 'rounds; every system has one run in each' },
    scale: { default: 1, help: 'more (2) or fewer (0.5) messages in a run' },
    json: { default: '', help: 'file for everything that was measured' },
  },
);

/** Runs before the measured ones: V8 compiles what is hot step by step, and later than in the first run. */
const WARM_UPS = 2;

/** All rounds of one setting; resolves to the samples of each system that can do it, and the messages of a run. */
async function compare(clusters, plane, { size, workers }) {
  const countIn = (some) => ({ size, count: countOf(some, size, workers, flags.scale) });
  const warmUp = warmUpOf(plane);
  const run = countIn(plane);
  const peers = Object.keys(clusters).filter((peer) => SYSTEMS[peer].calls.includes(plane.call));
  const samples = Object.fromEntries(peers.map((peer) => [peer, []]));
  for (let round = 0; round < WARM_UPS; round++) {
    for (const peer of peers) await clusters[peer].measure(warmUp, countIn(warmUp));
  }
  for (let round = 0; round < flags.rounds; round++) {
    for (const peer of round % 2 === 0 ? peers : peers.toReversed()) {
      samples[peer].push(await clusters[peer].measure(plane, run));
    }
  }
  return { count: run.count, samples };
}

const rate = ({ deliveries, time }) => (deliveries / time) * 1_000;
const cost = ({ deliveries, cpu }) => (cpu / deliveries) * 1_000;
const primaryCost = ({ deliveries, primaryCpu }) => (primaryCpu / deliveries) * 1_000;

function rowsOf(setting, { interval }, samples) {
  const [first] = Object.keys(samples);
  const base = samples[first];
  const digits = (value) => value.toPrecision(3);
  return Object.entries(samples).map(([peer, own]) => {
    const against = (upper, lower) => (peer === first ? '1' : spread(ratios(upper, lower), times));
    const latency = (which) =>
      own[0].latencies
        ? spread(
            own.map(({ latencies }) => latencies[which]),
            digits,
          )
        : '–';
    return [
      ...setting,
      peer,
      // At a low rate it says how fast the benchmark asks, nothing else.
      interval ? '–' : spread(own.map(rate), (value) => `${digits(value / 1_000)} k`),
      interval ? '–' : against(base.map(rate), own.map(rate)),
      spread(own.map(cost), digits),
      against(own.map(cost), base.map(cost)),
      spread(own.map(primaryCost), digits),
      latency('p50'),
      latency('p99'),
    ];
  });
}

async function benchmark() {
  const rows = [];
  const results = [];
  for (const workers of flags.workers) {
    const clusters = {};
    try {
      for (const peer of flags.peers) {
        clusters[peer] = new ClusterUnderTest(SYSTEMS[peer]);
        await clusters[peer].start(workers);
      }
      for (const name of flags.planes) {
        for (const size of flags.sizes) {
          const plane = PLANES[name];
          const { count, samples } = await compare(clusters, plane, { size, workers });
          rows.push(...rowsOf([name, workers, size, count], plane, samples));
          results.push({ plane: name, workers, size, count, samples });
          if (flags.json) writeFileSync(flags.json, JSON.stringify({ flags, results }, undefined, 2));
          console.error(`${name}, ${workers} workers, ${size} B: done`);
        }
      }
    } finally {
      for (const cluster of Object.values(clusters)) await cluster.end();
    }
  }
  const [first] = flags.peers;
  console.log(`\nMedians (min–max) of ${flags.rounds} rounds; ${machine(availableParallelism())}\n`);
  console.log(
    table(
      [
        '',
        'workers',
        'bytes',
        'messages',
        '',
        'deliveries/s',
        `rate, ${first} / this`,
        'CPU µs each',
        `CPU, this / ${first}`,
        'primary’s µs',
        'p50 ms',
        'p99 ms',
      ],
      rows,
    ),
  );
}

await main(benchmark);
