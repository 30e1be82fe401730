import type { Floor } from './floor.js';
import type { RollingReload } from './rolling-reload.js';
import type { LeaveReason, WorkerRecord } from './supervisor.types.js';
/** Boot failures that end the primary where no worker ever became ready. */
export declare const MAX_BOOT_FAILURES = 3;
/** Exit code of a configuration error (EX_CONFIG in sysexits.h): trying again is pointless. */
export declare const EXIT_CONFIG = 78;
/** What a crash means: when the slot tries again, whether the cluster still does, and who is told. */
export declare class Casualties {
    private readonly floor;
    private readonly reload;
    constructor(floor: Floor, reload: () => RollingReload | undefined);
    /** Crashes the breaker tolerates now. */
    get maxCrashes(): number;
    /** A process ended that was not asked to. */
    exited(worker: WorkerRecord, code: number | null, signal: string | null, now: number): void;
    /** Ends a worker that is beyond hope at once, and counts it as a crash. */
    discard(worker: WorkerRecord, reason: LeaveReason, how: string, now: number): void;
    /** The worker no longer counts for its slot: who takes its place, and when? */
    crashed(worker: WorkerRecord, how: string, now: number): void;
    /** No worker ever worked and none will: the cluster ends with the worker's own last words. */
    giveUp(worker: WorkerRecord, code: number): void;
    private delayRestart;
}
