import { Inject, Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { Bus, Member } from '../bus/bus.interface.js';
import { BUS, RUNTIME } from '../runtime/tokens.js';
import type { ClusterRole, ProcessRuntime } from '../runtime/process-runtime.interface.js';
import { inSubscribersContext } from '../platform/subscriber-context.js';
import { Dispatcher } from '../messenger/dispatcher.js';

/** What this process is in the cluster, and who else is there. @publicApi */
@Injectable()
export class ClusterService {
  constructor(
    @Inject(RUNTIME) private readonly runtime: ProcessRuntime,
    @Inject(BUS) private readonly bus: Bus,
    @Inject(Dispatcher) private readonly dispatcher: Dispatcher,
  ) {}

  /** `'worker'`, `'primary'` or, without a cluster, `'standalone'`. */
  get role(): ClusterRole {
    return this.runtime.role;
  }

  /** This worker's slot, 0…N−1: stable across restarts and reloads. 0 standalone, −1 in the primary. */
  get slot(): number {
    return this.runtime.slot;
  }

  /** Generation of the build this worker runs, from 1; a reload counts it up. */
  get generation(): number {
    return this.runtime.generation;
  }

  /**
   * Whether the whole cluster was asked to stop: true from the beginning of `shutdown.delay` on, while requests are
   * served as before. A readiness probe should answer 503 then; that of `@nestjs/terminus` does by itself. False
   * while a single worker is replaced, and in a standalone process.
   */
  get isStopping(): boolean {
    return this.runtime.isStopping;
  }

  /**
   * Whether this worker leads right now. At most one does at a time, by a lease of
   * `watchdog.suspectAfter` ms that its heartbeat renews; with an engine at most one over all hosts, by a lease of
   * 2 s at the broker. True standalone, false in the primary.
   */
  get isLeader(): boolean {
    return this.runtime.isLeader;
  }

  /**
   * The fencing token by which this worker leads, while it does: higher than that of every leader before. Give it to
   * what the leader writes to, and let that refuse lower ones: a process may be stopped between its look at
   * `isLeader` and its deed.
   */
  get leaderToken(): number | undefined {
    return this.runtime.leaderToken;
  }

  /** The ready workers of all hosts, by host and slot, as last heard. */
  members(): readonly Member[] {
    return this.bus.members;
  }

  /** The ready workers, now and whenever they change. */
  get members$(): Observable<readonly Member[]> {
    return inSubscribersContext(this.dispatcher.members$);
  }

  /**
   * Changes the number of workers; resolves when that many are ready.
   *
   * @throws ClusterRequestError for anything but a whole number from 1, and while the cluster stops
   * @throws ClusterDisabledError standalone
   */
  scale(workers: number): Promise<void> {
    return this.runtime.scale(workers);
  }
}
