import { NATS } from '../support/index.js';
import { manyHosts } from './many-hosts.js';

manyHosts(NATS);
