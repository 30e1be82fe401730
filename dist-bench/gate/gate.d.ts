import type { ResolvedClusterOptions } from '../options/cluster-options.interface.js';
import { WorkerRuntime } from '../worker/worker-runtime.js';
import type { ProcessRuntime } from './process-runtime.interface.js';
/** This process as a worker of ours, from before its application is constructed; undefined where it is none. */
export declare function asWorker(): WorkerRuntime | undefined;
/** Whether this process is to run without a cluster, as far as that is known without the options. */
export declare function isTestRun(): boolean;
/**
 * What a process that is no worker becomes. Standalone: resolves to its runtime. Primary: never resolves,
 * so nothing of the application is constructed here.
 *
 * @throws ClusterOptionsError where another primary forked this process
 */
export declare function passGate(options: ResolvedClusterOptions): Promise<ProcessRuntime>;
/** A cluster of one, in this process. */
export declare function standalone(options: ResolvedClusterOptions): ProcessRuntime;
