import cluster from 'node:cluster';
import { once } from 'node:events';
import { record } from '../../shared/journal.js';

/** An old worker that has not gone by then is killed, in ms. */
const KILL_TIMEOUT = 5_000;

if (cluster.isPrimary) {
  // As the tutorials have it: fork again on exit, and on SIGUSR2 replace the workers one by one, the new one
  // listening before the old one disconnects.
  for (let i = 0; i < Number(process.env.BENCH_WORKERS); i++) cluster.fork();
  const replaced = new Set();
  cluster.on('exit', (worker) => {
    if (!replaced.has(worker.id)) cluster.fork();
  });
  let reloading = false;
  process.on('SIGUSR2', () => {
    if (!reloading) void reload();
  });
  const reload = async () => {
    reloading = true;
    for (const worker of Object.values(cluster.workers)) {
      await once(cluster.fork(), 'listening');
      replaced.add(worker.id);
      worker.disconnect();
      const timer = setTimeout(() => worker.process.kill('SIGKILL'), KILL_TIMEOUT);
      if (!worker.isDead()) await once(worker, 'exit');
      clearTimeout(timer);
    }
    reloading = false;
  };
} else {
  const { createApp } = await import('../work-app.js');
  const app = await createApp();
  await app.listen(process.env.PORT);
  record('ready');
}
