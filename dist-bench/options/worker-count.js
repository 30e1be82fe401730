import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { webConcurrency } from '../platform/environment.js';
import { availableCores } from './available-cores.js';
/**
 * How many workers a cluster starts with: the option where it is above 0, else WEB_CONCURRENCY, else the
 * cores this process may really use.
 *
 * @throws ClusterOptionsError when WEB_CONCURRENCY is what counts and is no whole number above 0.
 */
export function workerCount(workers, env, cores = coresOfThisMachine) {
    return workers > 0 ? workers : (webConcurrency(env) ?? cores());
}
function coresOfThisMachine() {
    return availableCores({
        parallelism: availableParallelism(),
        readFile: (path) => readFileSync(path, 'utf8'),
        platform: process.platform,
    });
}
//# sourceMappingURL=worker-count.js.map