import { serve } from '../app.js';

await serve();
process.send('ready');
