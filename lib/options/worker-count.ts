import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { webConcurrency } from '../platform/environment.js';
import { availableCores } from './available-cores.js';

/**
 * How many workers a cluster starts with: the option if it is above 0, otherwise WEB_CONCURRENCY, otherwise the
 * number of cores this process can really use.
 *
 * @throws ClusterOptionsError if WEB_CONCURRENCY is used and is not a whole number above 0.
 */
export function workerCount(workers: number, env?: NodeJS.ProcessEnv, cores = coresOfThisMachine): number {
  return workers > 0 ? workers : (webConcurrency(env) ?? cores());
}

function coresOfThisMachine(): number {
  return availableCores({
    parallelism: availableParallelism(),
    readFile: (path) => readFileSync(path, 'utf8'),
    platform: process.platform,
  });
}
