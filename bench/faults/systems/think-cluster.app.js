import cluster from 'node:cluster';
import { record } from '../../shared/journal.js';
import thinkCluster from 'think-cluster';

const { Master, Worker } = thinkCluster;
if (cluster.isPrimary) {
  await new Master({ workers: Number(process.env.BENCH_WORKERS), reloadSignal: 'SIGUSR2' }).startServer();
} else {
  const { createApp } = await import('../work-app.js');
  const app = await createApp();
  await app.init();
  if (process.env.BENCH_PLATFORM === 'fastify') await app.getHttpAdapter().getInstance().ready();
  await new Worker({ port: Number(process.env.PORT), createServer: () => app.getHttpServer() }).startServer();
  record('ready');
}
