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

/** A dead worker's bus may hold unread bytes for this long (ms) before it is cut. */
const BUS_LINGER = 1_000;

/** How many dead workers' pids and last lines of stderr are remembered. */
const EXITS_KEPT = 64;

/** The worker processes there are, and a number of those there were. */
export class WorkerProcesses {
  private readonly byId = new Map<number, WorkerHandle>();
  private readonly byClusterId = new Map<number, WorkerHandle>();
  readonly expectedServers = new ExpectedServers();
  /** The newest generation of which a worker has been ready. */
  provenGeneration = 1;
  /** Ports that main.ts listens on in this process; found before any is listened on for workers. */
  private primaryPorts: readonly number[] = [];
  private readonly settings: ForkSettings;
  private readonly processTree = randomUUID();
  private readonly orphanReaper = new OrphanReaper();
  private readonly compileCache: CompileCache;
  private readonly listening: Listening;
  private readonly output: OutputRelay;
  private readonly releases: Releases;
  /** What node:cluster was last told to run. */
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

  /** Holds the servers' sockets; undefined where node:cluster does. */
  get binder(): Binder {
    return this.listening.binder;
  }

  /** Makes node:cluster fork as the options say, and provides for the primary's sudden end. */
  setUp(): void {
    this.primaryPorts = portsOfOwnServers();
    this.listening.setUp();
    this.use(this.releases.of(1));
    this.orphanReaper.start(`${PROCESS_TREE}=${this.processTree}/`, this.compileCache.folder);
  }

  /**
   * Forks a worker and attaches it to the bus. Where there can be no process, `failed` is told why, once, now or soon.
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
      // Nobody would supervise it.
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
      // It has neither streams nor a channel, and node:cluster keeps it for good.
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

  /** The file that the workers of a generation run, with no symbolic link on the way to it. */
  releaseOf(generation: number): string {
    return this.releases.of(generation).name;
  }

  /** Generations above that one have failed. */
  forgetReleasesAfter(generation: number): void {
    this.releases.forgetAfter(generation);
    this.provenGeneration = Math.min(this.provenGeneration, generation);
  }

  /** The worker has read the answer to that heartbeat: connections that it was handed before, and did not take, never arrived. */
  read(sender: WorkerHandle, answered: number): void {
    if (sender.worker !== undefined) this.listening.read(sender.worker, sender.id, answered);
  }

  /** Of those that live. */
  get pids(): number[] {
    return [...this.byId.values()].filter(({ alive }) => alive).map(({ pid }) => pid);
  }

  get(id: number | undefined): WorkerHandle | undefined {
    return id === undefined ? undefined : this.byId.get(id);
  }

  /** The worker that node:cluster means. */
  of(worker: Worker): WorkerHandle | undefined {
    return this.byClusterId.get(worker.id);
  }

  /** The process is gone: what it left behind goes too, unless it left in good order. */
  forget(known: WorkerHandle, inGoodOrder: boolean): void {
    known.forget();
    // What it wrote last may still be on its way through the bus; its end is what tells the others.
    this.clock.after(BUS_LINGER, () => this.hub.detach(known.id), false);
    if (!inGoodOrder) void this.endChildrenOf(known.id);
  }

  /** Lets no client in any more; resolves when those let in are with the workers. */
  async stopAccepting(): Promise<void> {
    await this.listening.stopAccepting();
  }

  /** The last worker is gone; resolves when nothing else is left either. */
  async close(): Promise<void> {
    this.compileCache.remove();
    await this.orphanReaper.dismiss(this.clock);
  }

  /** Resolves when all that the workers wrote is written, or nobody reads it. */
  async flush(): Promise<void> {
    await this.output.flush();
  }

  /** Node:cluster emits 'setup' for each call: only where something changes. */
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
        // It ended by itself meanwhile.
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
