import type { Casualties } from './casualties.js';
import type { Floor } from './floor.js';
import type { WorkerRecord } from './supervisor.types.js';
/** Between a closed control channel and the exit that explains it, in ms (3–12 seen for a killed process). */
export declare const DISCONNECT_GRACE = 200;
/** Holds the workers to their deadlines: to boot, to be heard, to leave. */
export declare class Watchdog {
    private readonly floor;
    private readonly casualties;
    private expectedWake;
    constructor(floor: Floor, casualties: Casualties);
    /** When the first deadline is due. */
    get wakeAt(): number;
    /** Told when the shell set its timer, so that a late wake-up can be recognised. */
    expectWake(at: number): void;
    /**
     * A machine that was suspended, or a primary whose own loop was blocked, has heard nobody: the wait for
     * a heartbeat begins anew after an overdue wake-up.
     */
    forgiveStall(now: number): void;
    /** The worker was heard. */
    heard(worker: WorkerRecord): void;
    /** Does what is due. */
    enforce(now: number): void;
    private enforceBoot;
    private enforceHeartbeat;
    /** A worker past its drain deadline gets SIGTERM, then SIGKILL. */
    private escalate;
    /** The control channel closed but the process lives on: it cannot be supervised any more. */
    private lostChannel;
}
