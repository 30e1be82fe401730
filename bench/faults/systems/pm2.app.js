import { record } from '../../shared/journal.js';
import { createApp } from '../work-app.js';

const app = await createApp();
await app.listen(process.env.PORT);
// As PM2's "graceful start and shutdown" says: 'ready' once it listens, and finish on SIGINT.
process.send('ready');
process.on('SIGINT', () => void app.close().then(() => process.exit(0)));
record('ready');
