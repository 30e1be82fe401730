import { REDIS } from '../support/index.js';
import { manyHosts } from './many-hosts.js';

manyHosts(REDIS);
