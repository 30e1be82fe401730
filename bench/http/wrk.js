import { spawn } from 'node:child_process';
import { join } from 'node:path';

const SCRIPT = join(import.meta.dirname, 'clients.lua');

/** @throws where there is no wrk. */
export async function requireWrk() {
  await run(['-v']);
}

/**
 * Load on the port for `seconds`. Resolves to { requests, rate } (answers, and answers/s), { p50, p99 } in ms
 * and `errors` by wrk's names; 'status' is an answer of 400 or more.
 */
export async function load(port, { clients, seconds, keepAlive }) {
  const { output } = await run([
    '-t1',
    `-c${clients}`,
    `-d${seconds}s`,
    '--latency',
    `-s${SCRIPT}`,
    ...(keepAlive ? [] : ['-HConnection: close']),
    `http://127.0.0.1:${port}/`,
  ]);
  const line = output.split('\n').find((text) => text.startsWith('{'));
  if (!line) throw new Error(`wrk did not get through:\n${output}`);
  const { requests, duration, p50, p99, ...errors } = JSON.parse(line);
  if (requests === 0) throw new Error(`wrk got no answer:\n${output}`);
  return { requests, rate: (requests / duration) * 1e6, p50: p50 / 1_000, p99: p99 / 1_000, errors };
}

function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const end = () => child.kill('SIGKILL');
    // A benchmark that is interrupted leaves by process.exit.
    process.once('exit', end);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.once('error', (error) => reject(error.code === 'ENOENT' ? new Error(MISSING) : error));
    child.once('close', () => {
      process.off('exit', end);
      resolve({ output });
    });
  });
}

const MISSING =
  'bench/http makes its load with wrk, which is not installed: `sudo apt-get install wrk` on Debian and Ubuntu, ' +
  '`dnf install wrk` on Fedora, else from source: https://github.com/wg/wrk';
