import cluster from 'node:cluster';
import { record } from '../shared/journal.js';

// The loop of Node's documentation: fork one per core, fork again on exit; the primary loads nothing else.
if (cluster.isPrimary) {
  for (let i = 0; i < Number(process.env.BENCH_WORKERS); i++) cluster.fork();
  cluster.on('exit', () => cluster.fork());
} else {
  const { NestFactory } = await import('@nestjs/core');
  const { helloModule } = await import('./hello.js');
  const app = await NestFactory.create(helloModule([]), { logger: ['error'] });
  await app.listen(process.env.PORT);
  record('ready');
}
