import type { Floor } from './floor.js';
import type { SlotRecord, WorkerRecord } from './supervisor.types.js';
/**
 * One rolling reload. A canary of the new generation must become ready and stay healthy; then the other
 * slots follow, `surge` at a time, the requester's last. An old worker goes only after its replacement is
 * ready, so capacity never falls below the number of slots. Whoever fails, the workers that serve stay.
 */
export declare class RollingReload {
    private readonly floor;
    private readonly requester;
    private readonly startedAt;
    readonly generation: number;
    private stage;
    private soakUntil;
    private readonly replaced;
    private ended;
    constructor(floor: Floor, requester: number | undefined, startedAt: number);
    get over(): boolean;
    /** When time alone lets the reload go on. */
    get wakeAt(): number;
    /** Takes every step that is due. */
    advance(now: number): void;
    /** A worker of the new generation that was not yet promoted is gone or failing. */
    successorLost(slot: SlotRecord, worker: WorkerRecord, why: string, now: number): void;
    /** Ends the reload without success; workers that serve go on serving. */
    fail(reason: string, worker: number | undefined, now: number): void;
    private watchCanary;
    private roll;
    private promoteReady;
    private mark;
    private succeed;
    private report;
    /** The next slot to replace; the requester's comes last. */
    private choose;
    /** Whether the slot needs no replacement: what is in it, or will be put there, is of the new generation. */
    private isRenewed;
    /** Whether the new generation serves the slot. */
    private stands;
    private underway;
    /** Replacements on their way and old workers not yet gone: what `surge` bounds. */
    private extraProcesses;
    private active;
}
