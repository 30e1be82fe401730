import { ClusterModule } from '../../shared/nestjs-cluster.js';
import { serve } from '../app.js';

const options = JSON.parse(process.env.BENCH_OPTIONS);
await serve([ClusterModule.forRoot({ workers: Number(process.env.BENCH_WORKERS), ...options })]);
