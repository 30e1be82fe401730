import { readdirSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFlags } from '../shared/flags.js';
import { freePort } from '../shared/free-port.js';
import { launchCommand, main } from '../shared/launcher.js';
import { childrenOf, memory } from '../shared/process-table.js';
import { machine, table } from '../shared/table.js';

const MINUTE = 60_000; // ms
const MB = 1024 * 1024;

/** Caches fill and code is compiled in the first part of a run, in ms. */
const WARM_UP = 60_000;

/** Without abuse, until what it left behind is gone; longer than a connection waits for a worker; in ms. */
const REST = 35_000;

/** A stop with nothing in flight takes less, in ms. */
const STOP_TIME = 10_000;

/** How much more than at the start memory and descriptors may be; so many descriptors are of connections in close. */
const GROWTH = 1.1;
const CLOSING = 5;

const flags = readFlags(
  'node bench/abuse: what no client should do, for some minutes: pipelining without reading, aborts, resets, half-open and\n' +
    'half-closed connections, upgrades that nobody wants, listeners by thousands of names on and off, and thousands of clients\n' +
    'while no worker is up. Exit code 0 if nothing ended that was not told to, and what it held was given back.',
  {
    minutes: { default: 10, help: 'how long, warm-up included' },
    listen: { default: 'sticky', help: 'the listen mode' },
    names: { default: 10_000, help: 'names that each worker listens by, on and off' },
    clients: { default: 5_000, help: 'clients while no worker is up' },
    node: { default: process.execPath, help: 'path of the Node that runs the app' },
  },
);

/** Each resolves when it is over, whatever came of it. */
const deeds = {
  pipelining: (port) =>
    raw(port, 'GET /slow HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200), (socket) => socket.destroy(), 50),
  abort: (port) =>
    raw(port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf', (socket) => socket.destroy()),
  reset: (port) => raw(port, 'GET /slow HTTP/1.1\r\nHost: x\r\n\r\n', (socket) => socket.resetAndDestroy()),
  'half-open': (port) => raw(port, 'GET / HTTP/1.1\r\nHost:', (socket) => socket.destroy(), 500),
  'half-closed': (port) => raw(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', (socket) => socket.end(), 0),
  upgrade: (port) =>
    raw(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n', (socket) =>
      socket.destroy(),
    ),
  garbage: (port) => raw(port, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', (socket) => socket.end(), 0),
};

/** Sends, and does the rest `after` ms later. */
function raw(port, text, rest, after = 20) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.write(text);
      setTimeout(() => rest(socket), after);
      setTimeout(() => socket.destroy(), after + 2_000);
    });
    socket.on('error', () => {});
    socket.on('close', resolve);
    socket.resume();
  });
}

function ask(port, path, method = 'GET') {
  return new Promise((resolve, reject) => {
    // Clients of several addresses: with 'sticky' each has a worker of its own.
    const localAddress = `127.0.0.${2 + Math.floor(Math.random() * 200)}`;
    http
      .request({ port, host: '127.0.0.1', path, method, agent: false, localAddress, timeout: 30_000 }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve(JSON.parse(text)));
      })
      .on('timeout', function () {
        this.destroy(new Error(`${path}: no answer`));
      })
      .on('error', reject)
      .end();
  });
}

/** Memory and descriptors of primary and workers, once each worker has answered. */
async function footprint(app, port) {
  const workers = new Map();
  while (workers.size < 2) {
    const worker = await ask(port, '/rest').catch(() => undefined);
    if (worker) workers.set(worker.slot, worker);
  }
  process.kill(app.pid, 'SIGURG');
  await sleep(1_000);
  const of = (pid, held) => ({
    rss: memory(pid).rss / MB,
    held: held / MB,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  });
  const heldByPrimary = [...app.output().matchAll(/The primary holds (\d+) bytes/g)].at(-1)[1];
  return {
    primary: of(app.pid, Number(heldByPrimary)),
    ...Object.fromEntries([0, 1].map((slot) => [`slot ${slot}`, of(workers.get(slot).pid, workers.get(slot).held)])),
  };
}

async function abuse(app, port, until, told) {
  let done = 0;
  const each = async (deed) => {
    while (Date.now() < until) {
      await deed(port);
      done += 1;
      await sleep(20);
    }
  };
  const names = async () => {
    while (Date.now() < until) {
      await ask(port, `/names?count=${flags.names}`, 'POST').catch(() => {});
      await sleep(1_000);
    }
    for (let i = 0; i < 20; i++) await ask(port, '/names?count=0', 'POST').catch(() => {});
  };
  const crowds = async () => {
    while (Date.now() < until - MINUTE / 2) {
      await sleep(MINUTE / 2);
      for (const pid of childrenOf(app.pid)) {
        told.add(pid);
        process.kill(pid, 'SIGKILL');
      }
      const sockets = Array.from({ length: flags.clients }, () => net.connect(port, '127.0.0.1').on('error', () => {}));
      await sleep(2_000);
      for (const socket of sockets) socket.destroy();
      done += flags.clients;
    }
  };
  await Promise.all([...Object.values(deeds).map(each), names(), crowds()]);
  return done;
}

async function run() {
  const port = await freePort();
  const env = { PORT: String(port), LISTEN: flags.listen };
  const app = launchCommand(flags.node, ['--expose-gc', join(import.meta.dirname, 'app.js')], { env });
  const told = new Set();
  const ended = new Set();
  const watch = setInterval(() => {
    for (const [, pid] of app.output().matchAll(/\(pid (\d+)\) (?:exited|was ended|hit|lost|missed|could)/g))
      ended.add(Number(pid));
  }, 500);
  console.log(
    `${machine(availableParallelism())}; the app on ${flags.node}; listen: '${flags.listen}'; ${flags.minutes} minutes`,
  );
  const start = await footprint(app, port);
  await abuse(app, port, Date.now() + WARM_UP, told);
  await sleep(REST);
  const before = await footprint(app, port);
  const done = await abuse(app, port, Date.now() + flags.minutes * MINUTE - WARM_UP, told);
  await sleep(REST);
  const after = await footprint(app, port);
  clearInterval(watch);
  const rows = Object.keys(before).map((who) => [
    who,
    ...['rss', 'held'].map((what) => [start, before, after].map((then) => then[who][what].toFixed(1)).join(' → ')),
    [start, before, after].map((then) => then[who].descriptors).join(' → '),
  ]);
  console.log('at the start → after the warm-up → at the end');
  console.log(table(['process', 'RSS, MB', 'held, MB', 'descriptors'], rows));
  const untold = [...ended].filter((pid) => !told.has(pid));
  const grown = Object.keys(before).filter(
    (who) =>
      after[who].rss > Math.max(start[who].rss, before[who].rss) * GROWTH ||
      after[who].held > before[who].held * GROWTH ||
      after[who].descriptors > before[who].descriptors * GROWTH + CLOSING,
  );
  console.log(
    `${done} deeds; workers killed: ${told.size}; ended without being told to: ${untold.length + (app.ended ? 1 : 0)}`,
  );
  const asked = Date.now();
  process.kill(app.pid, 'SIGTERM');
  const { code, signal } = await app.exit;
  const took = Date.now() - asked;
  console.log(`stop: code ${code ?? signal}, ${took} ms`);
  await app.end();
  const failures = [...untold, ...grown.map((who) => `${who} has grown`)];
  // It waits for whatever counts as being in flight.
  if (code !== 0 || took > STOP_TIME) failures.push('the stop waited for what is gone');
  for (const failure of failures) console.log(`FAILED: ${failure}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

await main(run);
