import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFlags } from '../shared/flags.js';
import { main } from '../shared/launcher.js';
import { machine } from '../shared/table.js';
import { ClusterUnderSoak } from './cluster-under-soak.js';
import { Exits } from './exits.js';
import { Footprint } from './footprint.js';
import { MessageBooks } from './message-books.js';
import { Random } from './random.js';
import { minuteLine, report } from './report.js';
import { RequestBooks } from './request-books.js';
import { Strikes } from './strikes.js';
import { torment } from './torment.js';

const MINUTE = 60_000; // ms

/** Everything is well within this long (ms) after the last fault. */
const SETTLE_TIMEOUT = 60_000;

/** The load goes on this long after the last fault, in ms. */
const AFTERMATH = 5_000;

/** Without load, until what it left behind is gone: connections in close, buffers; in ms. */
const REST = 2_000;

/** A primary that has not ended by then never does, in ms. */
const STOP_TIMEOUT = 45_000;

const flags = readFlags(
  'npm run soak: one app under steady load while something happens to its workers every few seconds.\n' +
    'Ends with the books and a verdict; exit code 0 if nothing was lost without a reason.',
  {
    minutes: { default: 30, help: 'how long' },
    seed: { default: (Date.now() % 1_000_000) + 1, help: 'what happens in which order follows from it' },
    workers: { default: 2, help: 'workers at the start and the end, 2 or more; up to two more meanwhile' },
    rate: { default: 300, help: 'requests/s, one half over keep-alive' },
    work: { default: 20, help: 'time a request takes in the handler, ms' },
    timeout: { default: 25_000, help: "the client's patience, ms; longer than the cluster needs to end a hung worker" },
    node: { default: '', help: 'path of the Node that runs the app; this one if empty' },
    json: { default: '', help: 'file for everything that was seen' },
  },
);

async function soakTest() {
  if (flags.workers < 2) throw new Error(`--workers ${flags.workers}: expected 2 or more; one has to serve meanwhile.`);
  const violations = [];
  const violated = (words) => {
    violations.push({ at: Date.now(), words });
    console.log(`  ! ${words}`);
  };
  const strikes = new Strikes();
  const messages = new MessageBooks(strikes, violated);
  const journal = { hang: [], throw: [] };
  const observers = [
    (entry) => exits.enter(entry),
    (entry) => messages.enter(entry),
    (entry) => journal[entry.what]?.push(entry),
  ];
  const cluster = new ClusterUnderSoak(flags, strikes, observers);
  const exits = new Exits(cluster, strikes, violated);
  const done = [];
  const random = new Random(flags.seed);
  const soak = { flags, cluster, strikes, exits, messages, journal, random, violated, violations, done };

  await cluster.start();
  soak.node = cluster.node;
  console.log(
    `${flags.minutes} min, seed ${flags.seed}: ${flags.workers} workers on Node ${soak.node}, ${flags.rate} requests/s ` +
      `of ${flags.work} ms; ${machine(availableParallelism())}`,
  );
  soak.descriptors = { before: cluster.descriptors() };
  soak.requests = new RequestBooks(flags, cluster.port, strikes);
  await soak.requests.start();
  soak.footprint = new Footprint(cluster.primary, () => cluster.healthy());
  soak.startedAt = Date.now();
  const minutes = setInterval(() => console.log(minuteLine(soak)), MINUTE);
  try {
    await torment(soak, soak.startedAt + flags.minutes * MINUTE);
    await conclude(soak);
  } catch (error) {
    violated(error.message);
    soak.requests.abort();
  } finally {
    clearInterval(minutes);
    soak.footprint.stop();
  }
  const failures = report(soak);
  if (flags.json) writeFileSync(flags.json, JSON.stringify(evidence(soak), undefined, 2));
  if (failures.length > 0) process.exitCode = 1;
}

/** Back to where it began: as many workers, no load; then it is stopped, and nothing may be left. */
async function conclude(soak) {
  const { cluster, violated } = soak;
  do {
    // One by one: two signals of a kind that wait to be handled are one.
    if (cluster.target > flags.workers) cluster.step(-1);
    if (!(await cluster.settled(SETTLE_TIMEOUT))) throw new Error(`Not ${cluster.target} ready workers at the end`);
  } while (cluster.target > flags.workers);
  await sleep(AFTERMATH);
  if (!(await cluster.post('/hush'))) violated('the request that ends the messages was not answered');
  await soak.requests.stop();
  await sleep(REST);
  soak.readyAtEnd = cluster.healthy().length;
  soak.descriptors.after = cluster.descriptors();
  soak.footprint.stop();
  cluster.signal('SIGTERM');
  await cluster.over(STOP_TIMEOUT);
  soak.left = cluster.alive();
  soak.messages.close();
}

function evidence({ violations, done, requests, messages, strikes, cluster }) {
  return {
    flags,
    violations,
    done,
    requests: requests.settle(),
    messages: messages.counts,
    excused: strikes.excused,
    output: cluster.output(),
  };
}

await main(soakTest);
