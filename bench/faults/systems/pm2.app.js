import { NestFactory } from '@nestjs/core';
import { record } from '../../shared/journal.js';
import { APP_OPTIONS, workModule } from '../work-app.js';

const app = await NestFactory.create(workModule([]), APP_OPTIONS);
await app.listen(process.env.PORT);
// As PM2's "graceful start and shutdown" says: 'ready' once it listens, and finish on SIGINT.
process.send('ready');
process.on('SIGINT', () => void app.close().then(() => process.exit(0)));
record('ready');
