import { serve } from '../app.js';

await serve();
