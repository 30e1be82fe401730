import { NestFactory } from '@nestjs/core';
import { record } from '../shared/journal.js';
import { ClusterModule } from '../shared/nestjs-cluster.js';
import { helloModule } from './hello.js';

const workers = Number(process.env.BENCH_WORKERS);
const app = await NestFactory.create(helloModule([ClusterModule.forRoot(workers)]), { logger: ['error'] });
await app.listen(process.env.PORT);
record('ready');
