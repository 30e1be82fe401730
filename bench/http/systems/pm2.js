import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { launch, removeDirectory, temporaryDirectory, until } from '../../shared/launcher.js';

/** `pm2 start` returns when all workers said 'ready'; one that has not by then (ms) never does. */
const START_TIMEOUT = 60_000;

/** PM2 in cluster mode, with a home and so a daemon of its own; the daemon and its workers run on `node` too. */
export async function launchPm2(env, node) {
  const pm2 = join(dirname(createRequire(import.meta.url).resolve('pm2/package.json')), 'bin/pm2');
  const home = temporaryDirectory();
  const config = join(home, 'ecosystem.config.cjs');
  const app = {
    name: 'app',
    script: join(import.meta.dirname, 'pm2.app.js'),
    cwd: import.meta.dirname,
    exec_mode: 'cluster',
    instances: Number(env.BENCH_WORKERS),
    wait_ready: true,
    listen_timeout: START_TIMEOUT,
  };
  writeFileSync(config, `module.exports = ${JSON.stringify({ apps: [app] })};`);
  const launched = launch(pm2, {
    args: ['start', config, '--silent'],
    env: { ...env, PM2_HOME: home, PM2_DISABLE_VERSION_CHECK: 'true' },
    node,
  });
  const end = async () => {
    await launched.end();
    removeDirectory(home);
  };
  try {
    // The client has to be gone before CPU time is counted.
    if (!(await until(() => launched.ended, START_TIMEOUT)) || launched.ended.code !== 0) {
      throw new Error(`PM2 did not start:\n${launched.output()}`);
    }
    return { launched, primary: Number(readFileSync(join(home, 'pm2.pid'), 'utf8')), end };
  } catch (error) {
    await end();
    throw error;
  }
}
