import type { SupervisorAction, SupervisorEvent, SupervisorOptions, SupervisorState } from './supervisor.types.js';
/** A worker that hit an uncaught error may take this long (ms) to finish what is in flight. */
export declare const FAILING_DRAIN_TIMEOUT = 5000;
/**
 * Decides everything about the workers' lives: a deterministic function of events and time, without
 * effects. Feed it events; it returns the actions to carry out. `wakeAt` says when it wants a 'tick'.
 */
export declare class Supervisor {
    private readonly floor;
    private readonly casualties;
    private readonly watchdog;
    private readonly recycler;
    private reload;
    constructor(options: SupervisorOptions, random: () => number);
    get state(): Readonly<SupervisorState>;
    /** The leading worker, if one is appointed. */
    get leader(): number | undefined;
    /** Takes in what happened at `now` (ms, monotonic) and returns what is to be done, in order. */
    handle(event: SupervisorEvent, now: number): SupervisorAction[];
    /** When the supervisor wants the next 'tick' (ms, monotonic); Infinity for never. */
    get wakeAt(): number;
    /** Told by the shell when it set its timer for `at`. */
    expectWake(at: number): void;
    private apply;
    private applyToWorker;
    private becameReady;
    private heartbeat;
    private failing;
    private retire;
    private startReload;
    private scale;
    private stop;
    private stopNow;
    private reconcile;
    private drainAll;
    private retireSurplus;
    /** Recycled and retiring workers leave as soon as their replacement is ready. */
    private replaceServed;
    private fillSlots;
    /** Brings up who is to take the slot over. */
    private succeed;
    private conclude;
    private candidates;
}
