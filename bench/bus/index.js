import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { readFlags } from '../shared/flags.js';
import { main } from '../shared/launcher.js';
import { ratios, spread, times } from '../shared/statistics.js';
import { machine, table } from '../shared/table.js';
import { ClusterUnderTest } from './cluster-under-test.js';

/** A file in systems/ each. A further one needs a line here. */
const SYSTEMS = {
  ours: { file: 'ours.js', answersConsume: true },
  'think-cluster': { file: 'think-cluster.js', answersConsume: false },
};

/** Messages of one burst per plane; large ones are fewer, so that a burst stays within BURST_BYTES. */
const COUNTS = { broadcast: 20_000, consume: 40_000, map: 4_000 };
const BURST_BYTES = 64 * 2 ** 20;

const flags = readFlags(
  'node bench/bus: messages between workers, ours against others, by turns in one run.\n' +
    'Deliveries are counted where they arrive; CPU is that of all processes, primary included.',
  {
    planes: { default: ['broadcast', 'consume', 'map'], allowed: Object.keys(COUNTS), help: 'which calls' },
    peers: { default: Object.keys(SYSTEMS), allowed: Object.keys(SYSTEMS), help: 'which systems' },
    sizes: { default: [100], help: 'payload sizes, bytes as JSON' },
    workers: { default: [4], help: 'numbers of workers' },
    'in-flight': { default: 64, help: 'calls that wait for their answer at the same time' },
    rounds: { default: 7, help: 'rounds; every system bursts once in each' },
    scale: { default: 1, help: 'more (2) or fewer (0.5) messages in a burst' },
  },
);

function countOf(plane, size, workers) {
  const receivers = plane === 'consume' ? 1 : workers;
  const most = Math.max(1, Math.floor(BURST_BYTES / (size * receivers)));
  return Math.min(Math.round(COUNTS[plane] * flags.scale), most);
}

/** All rounds of one setting; resolves to the samples of each system. */
async function compare(clusters, plane, burst) {
  const samples = Object.fromEntries(flags.peers.map((peer) => [peer, []]));
  // The first burst of each warms up code and buffers.
  for (const peer of flags.peers) await clusters[peer].measure(plane, burst);
  for (let round = 0; round < flags.rounds; round++) {
    for (const peer of round % 2 === 0 ? flags.peers : flags.peers.toReversed()) {
      samples[peer].push(await clusters[peer].measure(plane, burst));
    }
  }
  return samples;
}

function rowsOf(setting, samples) {
  const rate = ({ deliveries, time }) => (deliveries / time) * 1_000;
  const cost = ({ deliveries, cpu }) => (cpu / deliveries) * 1_000;
  const [first] = flags.peers;
  const base = samples[first];
  return flags.peers.map((peer) => {
    const own = samples[peer];
    const against = (measure) => (peer === first ? '1' : spread(ratios(base.map(measure), own.map(measure)), times));
    return [
      ...setting,
      peer,
      spread(own.map(rate), (value) => `${(value / 1_000).toPrecision(3)} k`),
      against(rate),
      spread(own.map(cost), (value) => value.toPrecision(3)),
      against(cost),
    ];
  });
}

async function benchmark() {
  const rows = [];
  for (const workers of flags.workers) {
    const clusters = {};
    try {
      for (const peer of flags.peers) {
        clusters[peer] = new ClusterUnderTest(SYSTEMS[peer]);
        await clusters[peer].start(join(import.meta.dirname, 'systems', SYSTEMS[peer].file), workers);
      }
      for (const plane of flags.planes) {
        for (const size of flags.sizes) {
          const count = countOf(plane, size, workers);
          const samples = await compare(clusters, plane, { size, count, inFlight: flags['in-flight'] });
          rows.push(...rowsOf([plane, workers, size, count], samples));
          console.error(`${plane}, ${workers} workers, ${size} B: done`);
        }
      }
    } finally {
      for (const cluster of Object.values(clusters)) await cluster.end();
    }
  }
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
        `${flags.peers[0]} / this`,
        'CPU µs each',
        `${flags.peers[0]} / this`,
      ],
      rows,
    ),
  );
}

await main(benchmark);
