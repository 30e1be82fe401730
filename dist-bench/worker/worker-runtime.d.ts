import { type Observable } from 'rxjs';
import type { Bus } from '../bus/bus.interface.js';
import type { ProcessRuntime } from '../gate/process-runtime.interface.js';
import type { Clock } from '../platform/clock.js';
import type { WorkerMark } from '../platform/environment.js';
import type { ReloadProgress, ReloadReport } from '../reload/reload.interface.js';
/** Decide what an uncaught error means; see the options of the same names. */
export interface UncaughtVerdicts {
    readonly onUncaughtException?: ((error: unknown) => boolean | void) | undefined;
    readonly onUnhandledRejection?: ((reason: unknown) => boolean | void) | undefined;
}
/** A worker's own side: says when it is ready and that it lives, and leaves without losing anything. */
export declare class WorkerRuntime implements ProcessRuntime {
    private readonly clock;
    readonly role = "worker";
    readonly slot: number;
    readonly generation: number;
    slots: number;
    readonly bus: Bus;
    /** The user's say in what an uncaught error means; known once the options are. */
    verdicts: UncaughtVerdicts;
    private readonly settings;
    private readonly logger;
    private readonly control;
    private readonly servers;
    private readonly progress;
    private readonly lease;
    private app;
    private ready;
    private leaving;
    private barrierPassed;
    private hurry;
    constructor(mark: WorkerMark, clock: Clock);
    /** Takes its place in the process; before the application is constructed. */
    start(): void;
    get isLeader(): boolean;
    get reloadProgress(): Observable<ReloadProgress>;
    reload(): Promise<ReloadReport>;
    scale(workers: number): Promise<void>;
    bootstrapped(): void;
    refused(error: Error): void;
    closed(): Promise<void>;
    private load;
    private get dispatcher();
    /** Ready is: every bootstrap hook ran, and every server that is to listen does. */
    private applicationUp;
    private obey;
    private listenToProcess;
    /** An uncaught error: its state can no longer be trusted, so the worker asks for its replacement. */
    private failed;
    private leave;
    private drainAndExit;
    private closeApp;
    /** What was sent before must have arrived: `process.send` followed by exit truncates (nodejs/node#36268). */
    private barrier;
}
/** Whether another primary forked this process, such as PM2's: it cannot fork workers of its own. */
export declare function isForeignWorker(): boolean;
