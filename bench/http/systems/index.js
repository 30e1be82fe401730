import { join } from 'node:path';
import { launch } from '../../shared/launcher.js';
import { launchPm2 } from './pm2.js';

/**
 * What can be measured. Each `start(env, node)` resolves to `{ launched, primary, end() }`, `primary` being the
 * pid of the process that supervises. `alone`: one process, whatever the number of workers;
 * `needsReusePort`: only where Node can share a port.
 */
export const SYSTEMS = {
  'reuse-port': { ...ours('reuse-port'), needsReusePort: true },
  'round-robin': ours('round-robin'),
  shared: ours('shared'),
  sticky: ours('sticky', { title: 'ours, sticky by peer (one worker)' }),
  'sticky-forwarded': ours('sticky', { title: 'ours, sticky by X-Forwarded-For', sticky: { proxies: 1 } }),
  'node-cluster': { title: 'node:cluster, round robin', start: (env, node) => start('tutorial.app.js', env, node) },
  'by-hand': {
    title: 'SO_REUSEPORT by hand',
    needsReusePort: true,
    start: (env, node) => start('tutorial.app.js', { ...env, BENCH_REUSE_PORT: 'true' }, node),
  },
  pm2: { title: 'PM2 7', start: launchPm2 },
  single: { title: 'one process', alone: true, start: (env, node) => start('single.app.js', env, node) },
};

function ours(listen, { title = `ours, ${listen}`, ...options } = {}) {
  const BENCH_OPTIONS = JSON.stringify({ listen, ...options });
  return { title, start: (env, node) => start('ours.app.js', { ...env, BENCH_OPTIONS }, node) };
}

async function start(file, env, node) {
  const launched = launch(join(import.meta.dirname, file), { env, node });
  return { launched, primary: launched.pid, end: () => launched.end() };
}
