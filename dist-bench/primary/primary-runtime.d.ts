import { type Observable } from 'rxjs';
import type { Bus } from '../bus/bus.interface.js';
import type { ProcessRuntime } from '../gate/process-runtime.interface.js';
import type { ResolvedClusterOptions } from '../options/cluster-options.interface.js';
import type { Clock } from '../platform/clock.js';
import type { ReloadProgress, ReloadReport } from '../reload/reload.interface.js';
import type { WorkerEvents } from './worker-events.explorer.js';
/** Carries out what the supervisor decides: forks, kills, tells the workers and the bus. */
export declare class PrimaryRuntime implements ProcessRuntime {
    private readonly options;
    private readonly clock;
    readonly role = "primary";
    readonly slot = -1;
    readonly bus: Bus;
    /** Resolves to the exit code once the last worker is gone and the cluster has stopped. */
    readonly stopped: Promise<number>;
    private readonly logger;
    private readonly supervisor;
    private readonly hub;
    private readonly processes;
    private readonly progress;
    private reloadWaiters;
    private scaleWaiters;
    private readonly queue;
    private handling;
    private timer;
    private workerEvents;
    private finish;
    constructor(options: ResolvedClusterOptions, workers: number, clock: Clock);
    get generation(): number;
    get slots(): number;
    get isLeader(): boolean;
    get reloadProgress(): Observable<ReloadProgress>;
    /** Begins to supervise. The primary module is up, so it hears of every event from 'setup' on. */
    start(workerEvents: WorkerEvents): void;
    /** Ends the cluster: gracefully the first time, at once the second. */
    stop(signalNumber: number): void;
    /** Ends the cluster gracefully because the primary itself failed. */
    fail(): void;
    reload(): Promise<ReloadReport>;
    scale(workers: number): Promise<void>;
    bootstrapped(): void;
    refused(): void;
    closed(): Promise<void>;
    private requestReload;
    private requestScale;
    private listenToCluster;
    private about;
    private ended;
    private heard;
    /** Lets the supervisor decide and carries it out; events that come up meanwhile wait their turn. */
    private dispatch;
    private rearm;
    private perform;
    private fork;
    private tell;
    private announce;
    private reloaded;
    private reloadFailed;
    private settleReload;
    private exit;
}
