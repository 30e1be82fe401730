import type { Congestion } from './congestion.js';
import { type Frame } from './frame.js';
import type { Roster } from './roster.js';
import type { Seat } from './seat.js';
import type { SettledResults } from './settled-results.js';
/** Tasks: each is run by one worker, by another if that one dies, and its result goes to whoever asked. */
export declare class TaskQueue {
    private readonly limit;
    private readonly roster;
    private readonly congestion;
    private readonly results;
    private readonly now;
    private readonly tasks;
    private readonly byKey;
    private readonly waiting;
    private waitingBytes;
    private keptBytes;
    private lastId;
    /** Moves on with every task, so that equally busy workers take turns. */
    private turn;
    constructor(limit: number, roster: Roster, congestion: Congestion, results: SettledResults, now: () => number);
    enqueue(from: Seat, frame: Frame): void;
    /** A worker says how a task ended. */
    result(from: Seat, frame: Frame): void;
    /** A caller waits no more. The task goes on for the others, and where it runs already. */
    cancel(from: Seat, call: number): boolean;
    /** A worker can take tasks that it could not take before. */
    dispatchWaiting(): void;
    /** A worker is gone: others run what it was running. Its own calls go on without it. */
    lost(seat: Seat): void;
    /** Shares an execution that is under way or is over. */
    private joins;
    private hasRoom;
    private dropExpired;
    private dispatch;
    private place;
    /**
     * The least busy worker that serves the event. None where every ready worker is known not to serve it;
     * what a worker serves may arrive after the word that it is ready, which comes another way.
     */
    private pick;
    private wait;
    private unwait;
    private add;
    private remove;
    private join;
    private leave;
    /** Ends a task with a word of the hub's own; `by` is the worker it is about. */
    private settleWithout;
    private settle;
    private send;
    private nextId;
}
