type Environment = Readonly<Record<string, string | undefined>>;
/**
 * The number of workers that WEB_CONCURRENCY asks for; undefined where it is unset or empty.
 *
 * @throws ClusterOptionsError when it is no whole number above 0.
 */
export declare function webConcurrency(env?: Environment): number | undefined;
/** Whether a test runner started this process. */
export declare function underTestRunner(env?: Environment): boolean;
/** Whether NODE_ENV says production: errors then travel without their stack. */
export declare function inProduction(env?: Environment): boolean;
/** What a primary tells a worker at its birth. */
export interface WorkerMark {
    readonly id: number;
    readonly slot: number;
    readonly generation: number;
    /** How many slots there are. */
    readonly slots: number;
    /** File descriptor of the worker's end of the bus. */
    readonly busFd: number;
    /** What the primary resolved and the worker needs before its own options are: both must agree on it. */
    readonly settings: WorkerSettings;
}
/** The part of the options by which primary and worker deal with each other. */
export interface WorkerSettings {
    /** Time between two heartbeats, and how long a leader's lease lasts, in ms. */
    readonly heartbeatInterval: number;
    readonly leaseDuration: number;
    /** Bytes. */
    readonly maxPayload: number;
    readonly queueLimit: number;
    /** Signals that mean a reload to the primary, and nothing to a worker. */
    readonly reloadSignals: readonly NodeJS.Signals[];
}
/** Names the worker a process descends from. It stays in the environment, so that children inherit it. */
export declare const LINEAGE = "NESTJS_CLUSTER_LINEAGE";
/** The environment variables that mark a worker. */
export declare function markWorker(mark: WorkerMark, lineage: string): Record<string, string>;
/** Takes the mark out of the environment; undefined where this process is no worker of ours. */
export declare function takeWorkerMark(env?: Record<string, string | undefined>): WorkerMark | undefined;
export {};
