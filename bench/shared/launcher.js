import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, pidsWith } from './process-table.js';

/** Every process started from here carries this variable, and so does whatever it forks. */
const MARK = 'NESTJS_CLUSTER_BENCH_RUN';

/** What is kept of a process's output, in characters. */
const OUTPUT_LIMIT = 20_000;

const run = randomUUID();
let count = 0;
const launches = new Set();
const directories = new Set();

/** An empty directory that is removed when the benchmark ends, however it ends. */
export function temporaryDirectory() {
  const path = mkdtempSync(join(tmpdir(), 'nestjs-cluster-bench-'));
  directories.add(path);
  return path;
}

/** Removes it now. */
export function removeDirectory(path) {
  rmSync(path, { recursive: true, force: true });
  directories.delete(path);
}

/** Starts `node file …args`, by another Node where `node` is its path; see launchCommand. */
export function launch(file, { args = [], node = process.execPath, ...options } = {}) {
  return launchCommand(node, [file, ...args], options);
}

/**
 * Starts a command and remembers it. `end()` kills, one by one by pid, whatever is left of it and of all it forked, also
 * what went on as a daemon; it runs for every launch when this process is interrupted.
 */
export function launchCommand(command, args, { env = {}, cwd } = {}) {
  const mark = `${run}.${++count}`;
  const child = spawn(command, args, {
    cwd,
    env: { ...withoutTestRunner(process.env), ...env, [MARK]: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output = (output + chunk).slice(-OUTPUT_LIMIT);
    });
  }
  const launched = {
    pid: child.pid,
    startedAt: performance.now(),
    /** Resolves to { code, signal } when the process ended. */
    exit: new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        launched.ended = { code, signal };
        resolve(launched.ended);
      });
    }),
    ended: undefined,
    output: () => output,
    /** Further processes that belong to it, such as a command line client of the same daemon. */
    run: (another, options = {}) => runMarked(another, { ...options, env: { ...env, ...options.env } }, mark),
    /** Pids of it and all its descendants that live. */
    alive: () => pidsWith(MARK, mark),
    end: async () => {
      // By its pid too: a server that writes its title over its environment does not carry the mark any more.
      if (launched.ended === undefined) kill(child.pid);
      await killAll(mark);
      child.stdout.destroy();
      child.stderr.destroy();
      launches.delete(launched);
    },
  };
  launches.add(launched);
  return launched;
}

/** Runs `node file …args` to its end; resolves to { code, output }. */
function runMarked(file, { args = [], env = {} }, mark) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args], {
      env: { ...process.env, ...env, [MARK]: mark },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    // 'exit', not 'close': a daemon it left behind may hold the pipes.
    child.once('exit', (code) => {
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ code, output });
    });
  });
}

/** A supervisor may fork between the look and the kill: look again until nothing is left. */
async function killAll(mark) {
  for (let round = 0; round < 100; round++) {
    const pids = pidsWith(MARK, mark);
    if (pids.length === 0) return;
    for (const pid of pids) kill(pid);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Processes left behind: ${pidsWith(MARK, mark).join(', ')}`);
}

/** Sends SIGKILL; that it has ended meanwhile is fine. */
export function kill(pid, signal = 'SIGKILL') {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function withoutTestRunner(env) {
  const { JEST_WORKER_ID: _jest, VITEST: _vitest, NODE_TEST_CONTEXT: _node, ...rest } = env;
  return rest;
}

/** Resolves to whether `condition()` became true within `timeout` ms. */
export async function until(condition, timeout, interval = 20) {
  const deadline = performance.now() + timeout;
  while (!(await condition())) {
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
  return true;
}

/** Runs the benchmark; whatever way it ends, nothing it started or wrote lives on. */
export async function main(benchmark) {
  const endAll = async () => {
    await Promise.all([...launches].map((launched) => launched.end()));
    for (const path of directories) removeDirectory(path);
  };
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ]) {
    process.on(signal, () => void endAll().finally(() => process.exit(code)));
  }
  try {
    await benchmark();
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    await endAll();
  }
}

export { isAlive };
