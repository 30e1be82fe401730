/**
 * How many workers a cluster starts with: the option where it is above 0, else WEB_CONCURRENCY, else the
 * cores this process may really use.
 *
 * @throws ClusterOptionsError when WEB_CONCURRENCY is what counts and is no whole number above 0.
 */
export declare function workerCount(workers: number, env?: NodeJS.ProcessEnv, cores?: typeof coresOfThisMachine): number;
declare function coresOfThisMachine(): number;
export {};
