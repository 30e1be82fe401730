import { NEVER, type Observable } from 'rxjs';
import type { Bus } from '../bus/bus.interface.js';
import { createStandalone } from '../local-bus/standalone.js';
import { ClusterDisabledError } from '../errors/errors.js';
import type { ResolvedClusterOptions } from '../options/cluster-options.interface.js';
import type { ReloadProgress, ReloadReport } from '../runtime/reload.interface.js';
import type { BusConnection } from '../messenger/bus-connection.js';
import type { ProcessRuntime } from '../runtime/process-runtime.interface.js';

/** A cluster of one process and one container: without a fork, but with the same bus and the same serialisation. */
export class StandaloneRuntime implements ProcessRuntime {
  readonly role = 'standalone';
  readonly slot = 0;
  readonly generation = 1;
  readonly isLeader = true;
  readonly leaderToken = 1;
  readonly deadLetters = undefined;
  readonly slots = 1;
  readonly isStopping = false;
  readonly reloadProgress: Observable<ReloadProgress> = NEVER;
  readonly bus: Bus;
  private readonly cluster: ReturnType<typeof createStandalone>;
  private connection: BusConnection | undefined;

  constructor(options: ResolvedClusterOptions, warn: (message: string) => void) {
    const { maxPayload, queueLimit } = options.messenger;
    this.cluster = createStandalone({ maxPayload, queueLimit, warn });
    this.bus = this.cluster.bus;
  }

  connect(make: () => BusConnection): BusConnection {
    return (this.connection ??= make());
  }

  reload(): Promise<ReloadReport> {
    return Promise.reject(new ClusterDisabledError('ReloadService.reload()'));
  }

  scale(): Promise<void> {
    return Promise.reject(new ClusterDisabledError('ClusterService.scale()'));
  }

  bootstrapped(): void {
    this.cluster.ready();
  }

  refused(): void {
    // The error itself reaches the code that boots the application.
  }

  async closed(): Promise<void> {
    this.cluster.leave();
    await this.cluster.close();
    await this.connection?.close();
  }
}
