import { NestFactory } from '@nestjs/core';
import { record } from '../../shared/journal.js';
import { ClusterModule } from '../../shared/nestjs-cluster.js';
import { APP_OPTIONS, workModule } from '../work-app.js';

const options = JSON.parse(process.env.BENCH_OPTIONS);
const workers = Number(process.env.BENCH_WORKERS);
const app = await NestFactory.create(workModule([ClusterModule.forRoot({ workers, ...options })]), APP_OPTIONS);
await app.listen(process.env.PORT);
record('ready');
