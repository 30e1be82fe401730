import { record } from '../../shared/journal.js';
import { ClusterModule } from '../../shared/nestjs-cluster.js';
import { createApp } from '../work-app.js';

const options = JSON.parse(process.env.BENCH_OPTIONS);
const workers = Number(process.env.BENCH_WORKERS);
const app = await createApp([ClusterModule.forRoot({ workers, ...options })]);
await app.listen(process.env.PORT);
record('ready');
