import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { SYSTEMS as ALL_SYSTEMS } from '../http/systems/index.js';
import { readFlags } from '../shared/flags.js';
import { freePort } from '../shared/free-port.js';
import { JOURNAL, readJournal } from '../shared/journal.js';
import { main, removeDirectory, temporaryDirectory, until } from '../shared/launcher.js';
import { spread } from '../shared/statistics.js';
import { machine, table } from '../shared/table.js';

/** 'by-hand' is what the kernel's hash alone gives. */
const SYSTEMS = Object.fromEntries(['by-hand', 'reuse-port', 'round-robin'].map((name) => [name, ALL_SYSTEMS[name]]));

const START_TIMEOUT = 60_000;

/** How long a connection may take to be accepted and counted, ms. */
const SETTLE_TIMEOUT = 10_000;

/** In /proc/net/tcp: columns 1, 3 and 9 of a line are local address, state and inode; state 1 is ESTABLISHED. */
const LINE = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ ([0-9A-F]{2}) (?:\S+\s+){5}(\d+)/;
const ESTABLISHED = '01';

const flags = readFlags(
  'node bench/balance: how evenly long-lived connections are spread over the workers: the largest share of a worker, as\n' +
    'a multiple of the mean, after connections were opened at a steady rate. 1 is even. Linux, Node 22.12 or later.',
  {
    systems: { default: Object.keys(SYSTEMS), allowed: Object.keys(SYSTEMS), help: 'which systems' },
    workers: { default: 8, help: 'workers' },
    connections: { default: 1000, help: 'connections, all of which stay open' },
    seconds: { default: 5, help: 'time in which they are opened' },
    rounds: { default: 10, help: 'rounds' },
    json: { default: '', help: 'file for everything that was measured' },
  },
);

async function benchmark() {
  const shares = Object.fromEntries(flags.systems.map((name) => [name, []]));
  for (let round = 0; round < flags.rounds; round++) {
    for (const name of flags.systems) {
      shares[name].push(await run(SYSTEMS[name]));
      console.error(`${name}: ${shares[name].at(-1).join(' ')}`);
    }
  }
  const ratio = (value) => value.toFixed(2);
  console.log(`${flags.connections} connections over ${flags.workers} workers; ${machine(availableParallelism())}\n`);
  console.log(
    table(
      ['', 'largest / mean', 'smallest / mean'],
      flags.systems.map((name) => [
        SYSTEMS[name].title,
        ...[Math.max, Math.min].map((pick) =>
          spread(
            shares[name].map((counts) => pick(...counts) / mean()),
            ratio,
          ),
        ),
      ]),
    ),
  );
  if (flags.json) writeFileSync(flags.json, JSON.stringify({ flags, shares }, undefined, 2));
}

const mean = () => flags.connections / flags.workers;

/** Resolves to the number of connections of each worker. */
async function run({ start }) {
  const directory = temporaryDirectory();
  const journal = join(directory, 'journal');
  writeFileSync(journal, '');
  const port = await freePort();
  const { workers } = flags;
  const env = { PORT: port, BENCH_APP: 'http', BENCH_BURN: 0, BENCH_WORKERS: workers, [JOURNAL]: journal };
  const clients = [];
  let system;
  try {
    system = await start({ ...env, NODE_CLUSTER_SCHED_POLICY: '' }, process.execPath);
    const ready = () => readJournal(journal).filter(({ what }) => what === 'ready');
    if (!(await until(() => ready().length >= workers, START_TIMEOUT))) throw new Error(system.launched.output());
    await open(port, clients);
    const pids = ready().map(({ pid }) => pid);
    let counts = [];
    const counted = () => {
      const inodes = establishedAt(port);
      counts = pids.map((pid) => connectionsOf(pid, inodes));
      return counts.reduce((sum, count) => sum + count, 0) === flags.connections;
    };
    if (!(await until(counted, SETTLE_TIMEOUT))) throw new Error(`counted ${counts.join(' ')}`);
    return counts;
  } finally {
    for (const client of clients) client.destroy();
    await system?.end();
    removeDirectory(directory);
  }
}

/** Opens them evenly over time. */
async function open(port, clients) {
  const begun = performance.now();
  while (clients.length < flags.connections) {
    const due = Math.min(flags.connections, ((performance.now() - begun) / 1000) * (flags.connections / flags.seconds));
    while (clients.length < due) clients.push(net.connect({ port, host: '127.0.0.1' }).on('error', () => {}));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Inodes of the server's ends of connections at the port. */
function establishedAt(port) {
  const inodes = new Set();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const [, local, state, inode] = LINE.exec(line) ?? [];
      if (state === ESTABLISHED && Number.parseInt(local, 16) === Number(port)) inodes.add(inode);
    }
  }
  return inodes;
}

function connectionsOf(pid, inodes) {
  let count = 0;
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(target(`/proc/${pid}/fd/${fd}`)) ?? [];
    if (inodes.has(inode)) count += 1;
  }
  return count;
}

/** '' where it was closed meanwhile. */
function target(link) {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

await main(benchmark);
