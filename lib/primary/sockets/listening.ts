import cluster, { type Worker } from 'node:cluster';
import type { OwnSockets } from '../../protocol/listening.js';
import type { ResolvedClusterOptions } from '../../options/cluster-options.interface.js';
import { ClusterLogger } from '../../platform/cluster-logger.js';
import { schedulingPolicy } from '../../platform/environment.js';
import type { Clock } from '../../platform/clock.js';
import { AcceptingSockets } from './round-robin-sockets.js';
import type { Binder } from './binder.js';
import type { SendHandoff } from './handoffs.js';
import { channelClosed, HandoffGuard } from './handoff-guard.js';
import { chooseListenMode, type ChosenMode } from './listen-mode.js';
import type { SocketSender } from './slot-address.js';
import { ReusePortBinder } from './reuse-port.js';
import { StickyBinder } from './sticky.js';

/** How long a blocked worker may delay the others when the cluster stops, in ms. */
const HANDOFF_TIMEOUT = 500;

/** What each mode means, for the log. */
const MEANING: Readonly<Record<ChosenMode['mode'], string>> = {
  'reuse-port': 'every worker accepts on a socket of its own',
  'round-robin': 'the primary accepts and hands off in turn',
  shared: 'the workers accept from one socket',
  sticky: "the primary accepts and hands off by the client's address",
  node: 'as node:cluster was told',
};

/**
 * Decides how clients reach the workers: through sockets of this package, or through node:cluster, which keeps the
 * servers that this package does not handle.
 */
export class Listening {
  readonly binder: Binder;
  private readonly chosen: ChosenMode;
  private readonly handoffGuard = new HandoffGuard();
  private readonly sockets = new AcceptingSockets();

  /** @throws ClusterOptionsError if the requested mode does not work here. */
  constructor(
    { listen, sticky }: ResolvedClusterOptions,
    line: { socketSender: SocketSender; sendHandoff: SendHandoff },
    clock: Clock,
  ) {
    this.chosen = chooseListenMode(listen, schedulingPolicy());
    const { mode } = this.chosen;
    this.binder =
      mode === 'sticky'
        ? new StickyBinder(line.sendHandoff, sticky.proxies, clock)
        : new ReusePortBinder(line.socketSender, line.sendHandoff, clock);
  }

  /**
   * The servers that node:cluster would not handle correctly: with 'shared' it ignores the mode of a Unix path, and it
   * does not know abstract sockets.
   */
  get ownSockets(): OwnSockets {
    const { mode } = this.chosen;
    if (mode === 'reuse-port' || mode === 'sticky') return 'all';
    return mode === 'shared' ? 'paths' : 'abstract';
  }

  /** Must be called before the first fork. */
  setUp(): void {
    const { mode, why } = this.chosen;
    if (mode !== 'node') cluster.schedulingPolicy = mode === 'shared' ? cluster.SCHED_NONE : cluster.SCHED_RR;
    this.sockets.install();
    new ClusterLogger().log(`listen: '${mode}', ${MEANING[mode]} (${why})`);
  }

  /**
   * Watches the connections that are sent to the worker from now on. `answered` returns its last heartbeat that was
   * answered.
   */
  watch(worker: Worker, id: number, answered: () => number): void {
    this.handoffGuard.watch(worker, answered);
    worker.process.once('exit', () => void channelClosed(worker.process).then(() => this.binder.gone(id)));
  }

  /** The worker has read the answer to the heartbeat `answered`. */
  read(worker: Worker, id: number, answered: number): void {
    this.handoffGuard.read(worker, answered);
    this.binder.read(id, answered);
  }

  /** Accepts no client any more; resolves when the workers have the connections that were accepted. */
  async stopAccepting(): Promise<void> {
    await this.sockets.close();
    await this.binder.close();
    await this.handoffGuard.emptied(HANDOFF_TIMEOUT);
  }
}
