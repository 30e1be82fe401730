import { type Worker } from 'node:cluster';
import { type Hub } from '../bus/index.js';
import type { ResolvedClusterOptions } from '../options/cluster-options.interface.js';
import type { Clock } from '../platform/clock.js';
import { WorkerProcess } from './worker-process.js';
/** The worker processes there are, and a number of those there were. */
export declare class WorkerProcesses {
    private readonly options;
    private readonly hub;
    private readonly clock;
    private readonly byId;
    private readonly byClusterId;
    private readonly settings;
    private readonly lineage;
    constructor(options: ResolvedClusterOptions, hub: Hub, clock: Clock);
    /** Makes node:cluster fork as the options say. */
    setUp(): void;
    /** Forks a worker and seats it on the bus. One without a pid could not be started; its 'error' says why. */
    fork(id: number, slot: number, generation: number, slots: number): WorkerProcess;
    get(id: number | undefined): WorkerProcess | undefined;
    /** The worker that node:cluster means. */
    of(worker: Worker): WorkerProcess | undefined;
    /** The process is gone: what it left behind goes too, unless it left in good order. */
    buried(known: WorkerProcess, inGoodOrder: boolean): void;
    private endChildrenOf;
    private lineageOf;
    private workerSettings;
    private forgetTheLongDead;
}
