/** The one place where the process's environment is read. */
import { ClusterOptionsError } from '../errors/index.js';
import { MAX_WORKERS } from '../options/limits.js';
/** Variables by which jest, vitest and node:test can be told. */
const TEST_RUNNERS = ['JEST_WORKER_ID', 'VITEST', 'NODE_TEST_CONTEXT'];
/**
 * The number of workers that WEB_CONCURRENCY asks for; undefined where it is unset or empty.
 *
 * @throws ClusterOptionsError when it is no whole number above 0.
 */
export function webConcurrency(env = process.env) {
    const text = env.WEB_CONCURRENCY?.trim();
    if (!text)
        return undefined;
    const workers = /^\d+$/.test(text) ? Number(text) : 0;
    if (workers >= 1 && workers <= MAX_WORKERS)
        return workers;
    throw new ClusterOptionsError(`The environment variable WEB_CONCURRENCY is '${text}'; expected a whole number from 1 to ${MAX_WORKERS}. ` +
        `Correct it, unset it, or give the option workers.`);
}
/** Whether a test runner started this process. */
export function underTestRunner(env = process.env) {
    return TEST_RUNNERS.some((name) => Boolean(env[name]));
}
/** Whether NODE_ENV says production: errors then travel without their stack. */
export function inProduction(env = process.env) {
    return env.NODE_ENV === 'production';
}
/** By which a primary tells its worker what it is; taken away at once, so that no process the worker starts inherits it. */
const WORKER_MARK = 'NESTJS_CLUSTER_WORKER';
/** Names the worker a process descends from. It stays in the environment, so that children inherit it. */
export const LINEAGE = 'NESTJS_CLUSTER_LINEAGE';
/** The environment variables that mark a worker. */
export function markWorker(mark, lineage) {
    return { [WORKER_MARK]: JSON.stringify(mark), [LINEAGE]: lineage };
}
/** Takes the mark out of the environment; undefined where this process is no worker of ours. */
export function takeWorkerMark(env = process.env) {
    const text = env[WORKER_MARK];
    delete env[WORKER_MARK];
    return text === undefined ? undefined : JSON.parse(text);
}
//# sourceMappingURL=environment.js.map