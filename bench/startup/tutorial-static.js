import cluster from 'node:cluster';
import { NestFactory } from '@nestjs/core';
import { record } from '../shared/journal.js';
import { helloModule } from './hello.js';

// The same loop as most Nest tutorials write it: a static import, so the primary loads Nest as well.
if (cluster.isPrimary) {
  for (let i = 0; i < Number(process.env.BENCH_WORKERS); i++) cluster.fork();
  cluster.on('exit', () => cluster.fork());
} else {
  const app = await NestFactory.create(helloModule([]), { logger: ['error'] });
  await app.listen(process.env.PORT);
  record('ready');
}
