import cluster, { type Worker } from 'node:cluster';
import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { MemberId } from '../../bus/bus.interface.js';
import type { Hub } from '../../local-bus/hub/hub.js';
import { SocketLink } from '../../local-bus/wire/socket-link.js';
import { maxFrameOf } from '../../local-bus/wire/frame.js';
import { newMemberId } from '../../distributed-bus/member-id.js';
import type { ResolvedClusterOptions } from '../../options/cluster-options.interface.js';
import type { Clock } from '../../platform/clock.js';
import { PROCESS_TREE, reportsDependencies, startEnvironment, wasSwitchedOn } from '../../platform/environment.js';
import { workerEnvironment, type WorkerSettings } from '../../protocol/worker-data.js';
import { processesMarked } from '../../platform/process-tree.js';
import { PROTOCOL } from '../../protocol/messages.js';
import { CompileCache } from './compile-cache.js';
import { ExpectedServers } from './expected-servers.js';
import { forkSettings, type ForkSettings } from './fork-settings.js';
import type { Binder } from '../sockets/binder.js';
import { Listening } from '../sockets/listening.js';
import { portsOfOwnServers } from '../sockets/own-servers.js';
import type { SendHandoff } from '../sockets/handoffs.js';
import { OutputRelay } from '../output/output-relay.js';
import type { PrimaryOutput } from '../output/primary-output.js';
import { OrphanReaper } from './orphan-reaper.js';
import { Releases, type Release, startPlace } from './release.js';
import { watcherOfThisProcess } from '../watcher.js';
import { WorkerHandle } from './worker-handle.js';

/** How long the rest of a dead worker's bus may still be read before the link is cut, in ms. */
const BUS_LINGER = 1_000;

/** How many dead workers are remembered, with their pids and the last lines of their stderr. */
const EXITS_KEPT = 64;

/** The worker processes that are running, and some of those that have ended. */
export class WorkerProcesses {
  private readonly byId = new Map<number, WorkerHandle>();
  private readonly byClusterId = new Map<number, WorkerHandle>();
  readonly expectedServers = new ExpectedServers();
  /** The newest generation of which a worker has been ready. */
  provenGeneration = 1;
  /** Ports on which main.ts listens in this process; looked up before this process listens for the workers. */
  private primaryPorts: readonly number[] = [];
  private readonly settings: ForkSettings;
  private readonly processTree = randomUUID();
  private readonly orphanReaper = new OrphanReaper();
  private readonly compileCache: CompileCache;
  private readonly listening: Listening;
  private readonly output: OutputRelay;
  private readonly releases: Releases;
  /** The release that node:cluster was last told to run. */
  private release: Release | undefined;

  constructor(
    private readonly options: ResolvedClusterOptions,
    private readonly hub: Hub,
    private readonly clock: Clock,
    /** The primary's number among the members of all hosts. */
    private readonly primary: MemberId,
    output: PrimaryOutput,
    warn: (message: string) => void,
  ) {
    this.settings = forkSettings(options.fork);
    this.output = new OutputRelay(output, this.settings, options.fork.silent ?? false, clock);
    this.releases = new Releases(startPlace(), options.fork, warn);
    this.compileCache = new CompileCache(options.startup.compileCache);
    const socketSender = {
      send: (id: number, key: string, slot: number, socket: object) =>
        this.get(id)?.send({ type: 'socket', key, slot }, socket),
      release: (id: number, key: string, slot: number) => this.get(id)?.send({ type: 'release-socket', key, slot }),
    };
    const sendHandoff: SendHandoff = (id, message, connection) => {
      const worker = this.get(id);
      worker?.send({ type: 'connection', ...message }, connection);
      return worker?.answered ?? 0;
    };
    this.listening = new Listening(options, { socketSender, sendHandoff }, clock);
  }

  /** Holds the sockets of the servers that node:cluster does not handle. */
  get binder(): Binder {
    return this.listening.binder;
  }

  /** Makes node:cluster fork as the options define, and starts the reaper in case the primary is killed. */
  setUp(): void {
    this.primaryPorts = portsOfOwnServers();
    this.listening.setUp();
    this.use(this.releases.of(1));
    this.orphanReaper.start(`${PROCESS_TREE}=${this.processTree}/`, this.compileCache.folder);
  }

  /**
   * Forks a worker and attaches it to the bus. If the process cannot be started, `failed` gets the error, once, now or
   * soon.
   */
  fork(
    id: number,
    slot: number,
    generation: number,
    slots: number,
    failed: (error: unknown) => void,
  ): WorkerHandle | undefined {
    let started: Worker | undefined;
    try {
      return this.start(id, slot, generation, slots, failed, (worker) => (started = worker));
    } catch (error) {
      // The process runs, but nothing would supervise it.
      if (started?.process.pid !== undefined) started.process.kill('SIGKILL');
      failed(error);
      return undefined;
    }
  }

  private start(
    id: number,
    slot: number,
    generation: number,
    slots: number,
    failed: (error: unknown) => void,
    started: (worker: Worker) => void,
  ): WorkerHandle | undefined {
    const { fork, messenger } = this.options;
    const { primary } = this;
    this.use(this.releases.of(generation));
    const member = newMemberId();
    const key = randomUUID();
    const { busFd } = this.settings;
    const { primaryPorts } = this;
    const serversBefore = this.expectedServers.of(slot, generation);
    const settings = this.workerSettings();
    const isTrial = generation > this.provenGeneration;
    const place = { id, key, slot, generation, slots, busFd, member, primary, serversBefore, primaryPorts };
    const mark = { protocol: PROTOCOL, ...place, isTrial, settings };
    const { worker, output } = this.output.fork(() => {
      const worker = cluster.fork({
        ...startEnvironment(),
        ...this.compileCache.variables,
        ...fork.env,
        ...workerEnvironment(mark, this.processTreeOf(id)),
      });
      started(worker);
      return worker;
    });
    if (worker.process.pid === undefined) {
      // There is no process. The worker has neither streams nor a channel, and node:cluster would keep it for ever.
      worker.once('error', failed);
      delete cluster.workers?.[worker.id];
      return undefined;
    }
    const known = new WorkerHandle(id, slot, generation, worker, output, member, key);
    this.listening.watch(worker, id, () => known.answered);
    this.byId.set(id, known);
    this.byClusterId.set(worker.id, known);
    this.forgetTheLongDead();
    const socket = worker.process.stdio[this.settings.busFd] as Duplex | null | undefined;
    if (socket) {
      const link = new SocketLink(socket, maxFrameOf(messenger.maxPayload), 'turn');
      this.hub.attach({ id, slot, generation, pid: known.pid }, link);
    }
    return known;
  }

  /** The path of the file that the workers of a generation run, with the symbolic links in its folders resolved. */
  releaseOf(generation: number): string {
    return this.releases.of(generation).name;
  }

  /** The generations after this one have failed. */
  forgetReleasesAfter(generation: number): void {
    this.releases.forgetAfter(generation);
    this.provenGeneration = Math.min(this.provenGeneration, generation);
  }

  /**
   * The worker has read the answer to the heartbeat `answered`. Connections that were sent before that answer and were
   * not accepted never arrived.
   */
  read(sender: WorkerHandle, answered: number): void {
    if (sender.worker !== undefined) this.listening.read(sender.worker, sender.id, answered);
  }

  /** The pids of the workers that are running. */
  get pids(): number[] {
    return [...this.byId.values()].filter(({ alive }) => alive).map(({ pid }) => pid);
  }

  get(id: number | undefined): WorkerHandle | undefined {
    return id === undefined ? undefined : this.byId.get(id);
  }

  /** The handle of a worker of node:cluster. */
  of(worker: Worker): WorkerHandle | undefined {
    return this.byClusterId.get(worker.id);
  }

  /** The process has ended. Its child processes are killed, unless it ended in good order. */
  forget(known: WorkerHandle, inGoodOrder: boolean): void {
    known.forget();
    // Its last bytes may still be on their way through the bus, and the others learn of its end from the end of its
    // link.
    this.clock.after(BUS_LINGER, () => this.hub.detach(known.id), false);
    if (!inGoodOrder) void this.endChildrenOf(known.id);
  }

  /** Accepts no client any more; resolves when the workers have the connections that were accepted. */
  async stopAccepting(): Promise<void> {
    await this.listening.stopAccepting();
  }

  /** The last worker is gone. Resolves when nothing else of the cluster is left either. */
  async close(): Promise<void> {
    this.compileCache.remove();
    await this.orphanReaper.dismiss(this.clock);
  }

  /** Resolves when everything that the workers wrote is written, or when nobody reads it. */
  async flush(): Promise<void> {
    await this.output.flush();
  }

  /** Tells node:cluster which release to run, but only if it has changed: node:cluster emits 'setup' for each call. */
  private use(release: Release): void {
    const { exec, cwd } = release;
    if (this.release && this.release.exec === exec && this.release.cwd === cwd) return;
    const settings = this.release ? {} : this.settings.settings;
    this.release = release;
    cluster.setupPrimary({
      ...settings,
      ...(exec === undefined ? {} : { exec }),
      ...(cwd === undefined ? {} : { cwd }),
    });
  }

  private async endChildrenOf(id: number): Promise<void> {
    for (const pid of await processesMarked(PROCESS_TREE, this.processTreeOf(id))) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // The process has ended meanwhile.
      }
    }
  }

  private processTreeOf(id: number): string {
    return `${this.processTree}/${id}`;
  }

  private workerSettings(): WorkerSettings {
    const { watchdog, messenger, reload } = this.options;
    return {
      heartbeatInterval: watchdog.interval,
      leaseDuration: watchdog.suspectAfter,
      maxPayload: messenger.maxPayload,
      queueLimit: messenger.queueLimit,
      restartsQuickly: watcherOfThisProcess() !== undefined,
      reportsDependencies: reportsDependencies(),
      reloadSignals: reload.signals,
      waitsForReader: this.output.piped,
      ownSockets: this.listening.ownSockets,
      countsContexts: this.options.contexts || wasSwitchedOn(),
      compileCache: this.compileCache.folder,
    };
  }

  private forgetTheLongDead(): void {
    const dead = [...this.byId.values()].filter(({ alive }) => !alive);
    for (const { id, clusterId } of dead.slice(0, Math.max(0, dead.length - EXITS_KEPT))) {
      this.byId.delete(id);
      this.byClusterId.delete(clusterId);
    }
  }
}
