import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** Starts every host: a primary each, with its workers. They end with this process's group. */
const { BENCH_HOSTS: hosts, BENCH_WORKERS: workers } = process.env;
for (let host = 0; host < Number(hosts); host++) {
  const env = { ...process.env, BENCH_HOST: String(host), BENCH_WORKERS: String(Number(workers) / Number(hosts)) };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'host.js')], { env, stdio: 'inherit' });
  child.once('exit', (code) => process.exit(code ?? 1));
}
