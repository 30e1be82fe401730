import type { Observable } from 'rxjs';
import type { Bus } from '../bus/bus.interface.js';
import type { DeadLetters } from '../distributed-bus/tasks/dead-letters.js';
import type { BusConnection } from '../messenger/bus-connection.js';
import type { ReloadProgress, ReloadReport } from './reload.interface.js';

/** What a process is in the cluster. @publicApi */
export type ClusterRole = 'primary' | 'worker' | 'standalone';

/** This process's place in the cluster, whatever that is: what the injectable services stand on. */
export interface ProcessRuntime {
  readonly role: ClusterRole;
  /** Slot of this worker; −1 in the primary. */
  readonly slot: number;
  /** Generation of the build this worker runs; in the primary, the one empty slots are filled with. */
  readonly generation: number;
  /** How many slots the cluster has, as last heard. */
  readonly slots: number;
  readonly bus: Bus;
  /** Whether the whole cluster was asked to stop, as last heard. */
  readonly isStopping: boolean;
  /** Whether this process leads right now, by a lease that has not run out. */
  readonly isLeader: boolean;
  /** The fencing token by which it leads, while it does. */
  readonly leaderToken: number | undefined;
  /** Tasks that were given up; undefined where the bus keeps none. */
  readonly deadLetters: DeadLetters | undefined;
  readonly reloadProgress: Observable<ReloadProgress>;
  /** The connection of this process's containers to the bus: the one there is, else what `make` makes. */
  connect(make: () => BusConnection): BusConnection;
  reload(): Promise<ReloadReport>;
  scale(workers: number): Promise<void>;
  /** The application that holds the module has run its bootstrap hooks. */
  bootstrapped(): void;
  /** The application is configured in a way that cannot work; the process is about to fail. */
  refused(error: Error): void;
  /** A container that holds the module is closed. */
  closed(): Promise<void>;
}
