import type { Observable } from 'rxjs';
import type { Bus } from '../bus/bus.interface.js';
import type { DeadLetters } from '../distributed-bus/tasks/dead-letters.js';
import type { BusConnection } from '../messenger/bus-connection.js';
import type { ReloadProgress, ReloadReport } from './reload.interface.js';

/** The role of a process in the cluster. @publicApi */
export type ClusterRole = 'primary' | 'worker' | 'standalone';

/** What this process is and does in the cluster, in any role. The injectable services are built on it. */
export interface ProcessRuntime {
  readonly role: ClusterRole;
  /** Slot of this worker; 0 in a standalone process, −1 in the primary. */
  readonly slot: number;
  /** Generation of the build this worker runs; in the primary, the generation with which empty slots are filled. */
  readonly generation: number;
  /** The number of slots of the cluster, as last heard. */
  readonly slots: number;
  readonly bus: Bus;
  /** Whether the whole cluster was asked to stop, as last heard. */
  readonly isStopping: boolean;
  /** Whether this process leads right now, by a lease that has not expired. */
  readonly isLeader: boolean;
  /** The fencing token of its leadership; undefined while it does not lead. */
  readonly leaderToken: number | undefined;
  /** The tasks that were given up; undefined if the bus keeps none. */
  readonly deadLetters: DeadLetters | undefined;
  readonly reloadProgress: Observable<ReloadProgress>;
  /** The connection of this process's containers to the bus: the existing one, or a new one from `make`. */
  connect(make: () => BusConnection): BusConnection;
  reload(): Promise<ReloadReport>;
  scale(workers: number): Promise<void>;
  /** Called when the application that holds the module has run its bootstrap hooks. */
  bootstrapped(): void;
  /** Called if the application is configured in a way that cannot work; the process is about to fail. */
  refused(error: Error): void;
  /** Called when a container that holds the module is closed. */
  closed(): Promise<void>;
}
