import { CrashLoopBreaker } from './restart-policy.js';
import { LeaderElection } from './leader-election.js';
import type { LeaveReason, SlotRecord, SupervisorAction, SupervisorOptions, SupervisorState, WorkerRecord } from './supervisor.types.js';
/**
 * What the supervisor's parts stand on: the slots, the workers in them, and the few moves that change
 * either. Every effect leaves as an action; nothing is done here.
 */
export declare class Floor {
    readonly options: SupervisorOptions;
    readonly random: () => number;
    readonly state: SupervisorState;
    readonly breaker: CrashLoopBreaker;
    readonly leadership: LeaderElection;
    private actions;
    constructor(options: SupervisorOptions, random: () => number);
    act(action: SupervisorAction): void;
    log(level: 'log' | 'warn' | 'error', message: string): void;
    /** The actions since the last call. */
    takeActions(): SupervisorAction[];
    worker(id: number | undefined): WorkerRecord | undefined;
    slotOf(worker: WorkerRecord): SlotRecord | undefined;
    /** Whether the worker does its work: ready, heard of, and wanted. */
    isServing(id: number | undefined): boolean;
    /** Nothing serves the slot nor is about to, and something should. */
    isEmpty(slot: SlotRecord): boolean;
    /** A process is to be forked for the slot, now or at its retry time. */
    isVacant(slot: SlotRecord): boolean;
    resize(workers: number): void;
    fork(slot: SlotRecord, generation: number, now: number): number;
    /** Lets the slot's ready successor take its place, and drains the old worker. */
    promote(slot: SlotRecord, now: number): void;
    /** Gives up the slot's successor, if it has one. */
    abandon(slot: SlotRecord, now: number, reason?: LeaveReason): void;
    /** Asks the worker to finish what is in flight and go. */
    leave(worker: WorkerRecord, reason: LeaveReason, now: number, timeout?: number): void;
    /** Ends the worker at once. */
    kill(worker: WorkerRecord, reason: LeaveReason): void;
}
