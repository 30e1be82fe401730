import { Logger } from '@nestjs/common';
import { LOG_CONTEXT } from '../cluster.constants.js';
import { ClusterOptionsError } from '../errors/index.js';
import { systemClock } from '../platform/clock.js';
import { takeWorkerMark, underTestRunner } from '../platform/environment.js';
import { bootPrimary } from '../primary/boot-primary.js';
import { WorkerRuntime, isForeignWorker } from '../worker/worker-runtime.js';
import { StandaloneRuntime } from './standalone-runtime.js';
const mark = takeWorkerMark();
let worker;
/** This process as a worker of ours, from before its application is constructed; undefined where it is none. */
export function asWorker() {
    if (mark === undefined)
        return undefined;
    if (!worker) {
        worker = new WorkerRuntime(mark, systemClock);
        worker.start();
    }
    return worker;
}
/** Whether this process is to run without a cluster, as far as that is known without the options. */
export function isTestRun() {
    return mark === undefined && underTestRunner();
}
/**
 * What a process that is no worker becomes. Standalone: resolves to its runtime. Primary: never resolves,
 * so nothing of the application is constructed here.
 *
 * @throws ClusterOptionsError where another primary forked this process
 */
export async function passGate(options) {
    if (!(options.enabled ?? !isTestRun()))
        return standalone(options);
    if (isForeignWorker()) {
        throw new ClusterOptionsError('ClusterModule: this process is already a node:cluster worker of another primary and cannot fork workers. ' +
            "Start it as one ordinary process (with PM2: exec_mode 'fork', instances 1), or set enabled: false.");
    }
    return bootPrimary(options);
}
/** A cluster of one, in this process. */
export function standalone(options) {
    const logger = new Logger(LOG_CONTEXT);
    return new StandaloneRuntime(options, (message) => logger.warn(message));
}
//# sourceMappingURL=gate.js.map