import type { Observable } from 'rxjs';
import type { Bus, Member } from '../bus/bus.interface.js';
import type { ClusterRole, ProcessRuntime } from '../gate/process-runtime.interface.js';
import { Dispatcher } from '../messenger/dispatcher.js';
/** What this process is in the cluster, and who else is there. @publicApi */
export declare class ClusterService {
    private readonly runtime;
    private readonly bus;
    private readonly dispatcher;
    constructor(runtime: ProcessRuntime, bus: Bus, dispatcher: Dispatcher);
    /** `'worker'`, `'primary'` or, without a cluster, `'standalone'`. */
    get role(): ClusterRole;
    /** This worker's slot, 0…N−1: stable across restarts and reloads. 0 standalone, −1 in the primary. */
    get slot(): number;
    /** Generation of the build this worker runs, from 1; a reload counts it up. */
    get generation(): number;
    /**
     * Whether this worker leads right now. At most one does at a time, by a lease of
     * `watchdog.suspectAfter` ms that its heartbeat renews. True standalone, false in the primary.
     */
    get isLeader(): boolean;
    /** The ready workers, by slot, as last heard. */
    members(): readonly Member[];
    /** The ready workers, now and whenever they change. */
    get members$(): Observable<readonly Member[]>;
    /**
     * Changes the number of workers; resolves when that many are ready.
     *
     * @throws ClusterRequestError for anything but a whole number from 1, and while the cluster stops
     * @throws ClusterDisabledError standalone
     */
    scale(workers: number): Promise<void>;
}
