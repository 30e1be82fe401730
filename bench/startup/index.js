import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { readFlags } from '../shared/flags.js';
import { freePort } from '../shared/free-port.js';
import { JOURNAL, readJournal } from '../shared/journal.js';
import { launch, main, temporaryDirectory, until } from '../shared/launcher.js';
import { memory } from '../shared/process-table.js';
import { median, ratios, spread, times } from '../shared/statistics.js';
import { machine, table } from '../shared/table.js';

/** A cluster that is not up after this long (ms) never comes up. */
const START_TIMEOUT = 60_000;

/** Memory is read this long (ms) after the last worker answered. */
const SETTLE = 1_000;

const MEBIBYTE = 2 ** 20;

const SYSTEMS = {
  ours: 'ours.js',
  tutorial: 'tutorial.js',
  'tutorial, static import': 'tutorial-static.js',
};

const flags = readFlags(
  'node bench/startup: from start to all workers ready, and memory, of one small Nest app on Express:\n' +
    "ours against the loop of node:cluster's documentation.",
  {
    rounds: { default: 7, help: 'rounds; every system starts once in each' },
    workers: { default: 4, help: 'workers' },
  },
);

function get(port) {
  return new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port, agent: false, timeout: START_TIMEOUT }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk) => (body += chunk));
        response.on('end', () => resolve(JSON.parse(body)));
      })
      .on('error', reject);
  });
}

/** Starts the system once; resolves to the time until all were ready (ms) and the memory of its processes. */
async function measure(file, directory, round) {
  const journal = join(directory, `${file}.${round}`);
  writeFileSync(journal, '');
  const port = await freePort();
  const startedAt = Date.now();
  const launched = launch(join(import.meta.dirname, file), {
    env: { PORT: String(port), BENCH_WORKERS: String(flags.workers), [JOURNAL]: journal, NODE_ENV: 'production' },
  });
  try {
    const ready = () => readJournal(journal).filter(({ what }) => what === 'ready');
    const up = await until(() => launched.ended || ready().length >= flags.workers, START_TIMEOUT, 10);
    if (!up || launched.ended) throw new Error(`${file} did not come up:\n${launched.output()}`);
    const workers = ready();
    const answered = new Set();
    while (answered.size < flags.workers) answered.add((await get(port)).pid);
    await new Promise((resolve) => setTimeout(resolve, SETTLE));
    return {
      startup: Math.max(...workers.map(({ at }) => at)) - startedAt,
      primary: memory(launched.pid),
      worker: medianMemory(workers.map(({ pid }) => memory(pid))),
    };
  } finally {
    await launched.end();
  }
}

function medianMemory(samples) {
  return { rss: median(samples.map(({ rss }) => rss)), pss: median(samples.map(({ pss }) => pss)) };
}

async function benchmark() {
  const directory = temporaryDirectory();
  const results = Object.fromEntries(Object.keys(SYSTEMS).map((name) => [name, []]));
  for (let round = 0; round < flags.rounds; round++) {
    const order = Object.entries(SYSTEMS);
    for (const [name, file] of round % 2 === 0 ? order : order.toReversed()) {
      results[name].push(await measure(file, directory, round));
    }
    console.error(`round ${round + 1} of ${flags.rounds}`);
  }
  report(results);
}

function report(results) {
  const ms = (value) => String(Math.round(value));
  const mib = (value) => (value / MEBIBYTE).toFixed(0);
  const series = (name, pick) => results[name].map(pick);
  const rows = Object.keys(SYSTEMS).map((name) => [
    name,
    spread(
      series(name, (r) => r.startup),
      ms,
    ),
    name === 'ours'
      ? '1'
      : spread(
          ratios(
            series('ours', (r) => r.startup),
            series(name, (r) => r.startup),
          ),
          times,
        ),
    spread(
      series(name, (r) => r.primary.rss),
      mib,
    ),
    spread(
      series(name, (r) => r.worker.rss),
      mib,
    ),
    spread(
      series(name, (r) => r.primary.rss / r.worker.rss),
      times,
    ),
    spread(
      series(name, (r) => r.primary.pss),
      mib,
    ),
    spread(
      series(name, (r) => r.worker.pss),
      mib,
    ),
  ]);
  console.log(`\n${flags.workers} workers, medians (min–max) of ${flags.rounds}; ${machine(availableParallelism())}\n`);
  console.log(
    table(
      [
        '',
        'start to all ready, ms',
        'ours / this',
        'primary RSS, MiB',
        'worker RSS, MiB',
        'primary / worker',
        'primary PSS, MiB',
        'worker PSS, MiB',
      ],
      rows,
    ),
  );
}

await main(benchmark);
