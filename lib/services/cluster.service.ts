import { Inject, Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { Bus, Member } from '../bus/bus.interface.js';
import { BUS, RUNTIME } from '../runtime/tokens.js';
import type { ClusterRole, ProcessRuntime } from '../runtime/process-runtime.interface.js';
import { inSubscribersContext } from '../platform/subscriber-context.js';
import { Dispatcher } from '../messenger/dispatcher.js';

/** Tells what this process is in the cluster, and which other workers there are. @publicApi */
@Injectable()
export class ClusterService {
  constructor(
    @Inject(RUNTIME) private readonly runtime: ProcessRuntime,
    @Inject(BUS) private readonly bus: Bus,
    @Inject(Dispatcher) private readonly dispatcher: Dispatcher,
  ) {}

  /** `'worker'`, `'primary'`, or `'standalone'` when there is no cluster. */
  get role(): ClusterRole {
    return this.runtime.role;
  }

  /** This worker's slot, 0…N−1: stable across restarts and reloads. 0 in a standalone process, −1 in the primary. */
  get slot(): number {
    return this.runtime.slot;
  }

  /** The generation of the build this worker runs, starting at 1; each reload adds 1. */
  get generation(): number {
    return this.runtime.generation;
  }

  /**
   * Whether the whole cluster was asked to stop. True as soon as `shutdown.delay` begins, while requests are still
   * served. A readiness probe should answer 503 then; the one of `@nestjs/terminus` does so by itself. False
   * while only a single worker is replaced, and in a standalone process.
   */
  get isStopping(): boolean {
    return this.runtime.isStopping;
  }

  /**
   * Whether this worker leads right now. At most one worker leads at a time, by a lease of `watchdog.suspectAfter` ms
   * that its heartbeat renews. With an engine, at most one worker of all hosts leads, by a lease of 2 s at the broker.
   * Always true in a standalone process, always false in the primary.
   */
  get isLeader(): boolean {
    return this.runtime.isLeader;
  }

  /**
   * The fencing token of this worker's leadership; undefined while it does not lead. It is higher than the token of any
   * earlier leader. Pass it to the store that the leader writes to, and let the store refuse lower tokens: the process
   * may freeze, and lose the lead, between its check of `isLeader` and its write.
   */
  get leaderToken(): number | undefined {
    return this.runtime.leaderToken;
  }

  /** The ready workers of all hosts, sorted by host and slot, as this process last heard of them. */
  members(): readonly Member[] {
    return this.bus.members;
  }

  /** Emits the ready workers on subscription and after each change. */
  get members$(): Observable<readonly Member[]> {
    return inSubscribersContext(this.dispatcher.members$);
  }

  /**
   * Changes the number of workers; resolves when that many workers are ready.
   *
   * @throws ClusterRequestError if `workers` is not a whole number of at least 1, or while the cluster is stopping
   * @throws ClusterDisabledError in a standalone process
   */
  scale(workers: number): Promise<void> {
    return this.runtime.scale(workers);
  }
}
