import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { readFlags } from '../shared/flags.js';
import { main } from '../shared/launcher.js';
import { machine, table } from '../shared/table.js';
import { ROWS } from './rows/index.js';
import { SYSTEMS } from './systems/index.js';

/** A generator later than this (ms) disturbs what it measures: the report says so. */
const LATE = 250;

/** How many failed requests of a row go into the JSON one by one. */
const FAILURES_KEPT = 200;

/** Rows that --quick leaves out. */
const SLOW = new Set([
  'reload-close',
  'reload-keep-alive-fastify',
  'reload-close-fastify',
  'late-crash',
  'kill-keep-alive',
  'orphans',
]);

const flags = readFlags(
  'node bench/faults: what clients see when things go wrong, in ours and in others, on the same work.\n' +
    'Requests leave in an open loop and are counted one by one: sent = ok + each kind of failure.',
  {
    rows: {
      default: Object.keys(ROWS),
      quick: Object.keys(ROWS).filter((row) => !SLOW.has(row)),
      allowed: Object.keys(ROWS),
      help: 'which faults',
    },
    peers: { default: Object.keys(SYSTEMS), allowed: Object.keys(SYSTEMS), help: 'which systems' },
    rounds: { default: 5, quick: 1, help: 'reloads in a row' },
    deploys: { default: 2, quick: 1, help: 'reloads into a bad build' },
    kills: { default: 10, quick: 1, help: 'workers killed' },
    stops: { default: 4, quick: 1, help: 'SIGTERMs' },
    workers: { default: 2, help: 'workers' },
    rate: { default: 600, help: 'requests/s' },
    work: { default: 20, help: 'time a request takes in the handler, ms' },
    timeout: { default: 5_000, quick: 2_000, help: "the client's patience, ms" },
    window: { default: 40, quick: 4, help: 'how long a bad build is watched, s' },
    'crash-window': { default: 10, quick: 3, help: 'how long an app that crashes at boot is watched, s' },
    'late-window': { default: 60, quick: 7, help: 'how long an app that crashes later is watched, s' },
    observe: { default: 60, quick: 7, help: 'how long a blocked worker is watched, s' },
    'kill-after': { default: 30, quick: 4, help: 'watchdog.killAfter of ours in that row, s' },
    json: { default: '', help: 'file for everything that was measured' },
    quick: { default: false, help: 'fewer rows and shorter ones, under 3 minutes' },
  },
);

async function benchmark() {
  const results = {};
  const late = [];
  // Row by row, and all systems of a row after each other: they share the machine's mood.
  for (const row of flags.rows) {
    results[row] = {};
    for (const peer of flags.peers) {
      const { load, ...seen } = await attempt(row, peer);
      results[row][peer] = { ...seen, failures: load?.failures?.slice(0, FAILURES_KEPT) };
      if (load?.late > LATE) late.push(`${row}, ${peer}: ${Math.round(load.late)} ms`);
      console.error(`${row}, ${peer}: ${seen.cell}`);
    }
  }
  console.log(
    `\n${flags.workers} workers, ${flags.rate} requests/s, ${flags.work} ms each, client timeout ${flags.timeout} ms; ` +
      `${machine(availableParallelism())}\n`,
  );
  console.log(
    table(
      ['', ...flags.peers.map((peer) => SYSTEMS[peer].title)],
      flags.rows.map((row) => [ROWS[row].title(flags), ...flags.peers.map((peer) => results[row][peer].cell)]),
    ),
  );
  if (late.length > 0) console.log(`\nThe load generator itself was late: ${late.join('; ')}`);
  if (flags.json) writeFileSync(flags.json, JSON.stringify({ flags, results }, undefined, 2));
}

/** A row that cannot be run says so in its cell and leaves the others alone. */
async function attempt(row, peer) {
  try {
    return await ROWS[row].run(peer, flags);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
    return { cell: `could not be measured: ${error.message.split('\n')[0]}` };
  }
}

await main(benchmark);
