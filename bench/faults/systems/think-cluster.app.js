import cluster from 'node:cluster';
import { record } from '../../shared/journal.js';
import thinkCluster from 'think-cluster';

const { Master, Worker } = thinkCluster;
if (cluster.isPrimary) {
  await new Master({ workers: Number(process.env.BENCH_WORKERS), reloadSignal: 'SIGUSR2' }).startServer();
} else {
  const { NestFactory } = await import('@nestjs/core');
  const { APP_OPTIONS, workModule } = await import('../work-app.js');
  const app = await NestFactory.create(workModule([]), APP_OPTIONS);
  await app.init();
  await new Worker({ port: Number(process.env.PORT), createServer: () => app.getHttpServer() }).startServer();
  record('ready');
}
