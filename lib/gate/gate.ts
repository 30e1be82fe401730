import { Logger } from '@nestjs/common';
import { LOG_CONTEXT } from '../cluster.constants.js';
import { ClusterOptionsError } from '../errors/index.js';
import type { ResolvedClusterOptions } from '../options/cluster-options.interface.js';
import { inRootContext } from '../platform/async-context.js';
import { systemClock } from '../platform/clock.js';
import { takeWorkerMark, underTestRunner } from '../platform/environment.js';
import { bootPrimary } from '../primary/boot-primary.js';
import { WorkerRuntime, isForeignWorker } from '../worker/worker-runtime.js';
import type { ProcessRuntime } from './process-runtime.interface.js';
import { StandaloneRuntime } from './standalone-runtime.js';

// A worker takes its place when the package is imported: a server that is opened above NestFactory.create is known to
// it then, and drained like any other.
const mark = takeWorkerMark();
const worker = mark && new WorkerRuntime(mark, systemClock);
worker?.start();

/** This process as a worker of ours; undefined where it is none. */
export function asWorker(): WorkerRuntime | undefined {
  return worker;
}

/** Whether this process is to run without a cluster, as far as that is known without the options. */
export function isTestRun(): boolean {
  return mark === undefined && underTestRunner();
}

/**
 * Makes a process that is no worker the primary, unless it is to run standalone. Resolves where it is; in the primary
 * it never does, so nothing of the application is constructed there.
 *
 * @throws ClusterOptionsError where another primary forked this process
 */
export async function passGate(options: ResolvedClusterOptions): Promise<void> {
  if (!(options.enabled ?? !isTestRun())) return;
  if (isForeignWorker()) {
    throw new ClusterOptionsError(
      'ClusterModule: this process is already a node:cluster worker of another primary and cannot fork workers. ' +
        "Start it as one ordinary process (with PM2: exec_mode 'fork', instances 1), or set enabled: false.",
    );
  }
  await bootPrimary(options);
}

/** A cluster of one, in this process. */
export function standalone(options: ResolvedClusterOptions): ProcessRuntime {
  const logger = new Logger(LOG_CONTEXT);
  return new StandaloneRuntime(options, (message) => inRootContext(() => logger.warn(message)));
}
