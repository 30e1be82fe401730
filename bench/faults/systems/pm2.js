import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isAlive, launch, removeDirectory, temporaryDirectory, until } from '../../shared/launcher.js';

const PM2 = join(dirname(createRequire(import.meta.url).resolve('pm2/package.json')), 'bin/pm2');

/** How long PM2 waits for 'ready' before it goes on (ms), as in its documentation's example. */
const LISTEN_TIMEOUT = 10_000;

/** The daemon answers its first command after this long (ms) at the latest. */
const DAEMON_TIMEOUT = 20_000;

/**
 * PM2 in cluster mode with `wait_ready`. It has a home of its own, so a daemon of its own: that daemon is
 * what supervises here.
 */
export async function launchPm2(env) {
  const home = temporaryDirectory();
  const config = join(home, 'ecosystem.config.cjs');
  const app = {
    name: 'app',
    script: join(import.meta.dirname, 'pm2.app.js'),
    cwd: import.meta.dirname,
    exec_mode: 'cluster',
    instances: Number(env.BENCH_WORKERS),
    wait_ready: true,
    listen_timeout: LISTEN_TIMEOUT,
  };
  writeFileSync(config, `module.exports = ${JSON.stringify({ apps: [app] })};`);
  const own = { ...env, PM2_HOME: home, PM2_DISABLE_VERSION_CHECK: 'true' };
  const launched = launch(PM2, { args: ['start', config, '--silent'], env: own });
  const daemon = () => Number(readFileSync(join(home, 'pm2.pid'), 'utf8'));
  const hasDaemon = () => {
    try {
      return isAlive(daemon());
    } catch {
      return false;
    }
  };
  if (!(await until(hasDaemon, DAEMON_TIMEOUT))) {
    await launched.end();
    throw new Error(`PM2's daemon did not start:\n${launched.output()}`);
  }
  const primary = daemon();
  return {
    launched,
    primary,
    reload: async () => void launched.run(PM2, { args: ['reload', 'app', '--silent'], env: own }),
    // A daemon is nobody's child here: that it ended can be seen, with which code cannot.
    ending: () => (isAlive(primary) ? undefined : '(a daemon)'),
    end: async () => {
      await launched.end();
      removeDirectory(home);
    },
  };
}
