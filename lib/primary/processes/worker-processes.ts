import cluster, { type Worker } from 'node:cluster';
import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { MemberId } from '../../bus/bus.interface.js';
import { type Hub, SocketLink, maxFrameOf, newMemberId } from '../../bus/index.js';
import type { ResolvedClusterOptions } from '../../options/cluster-options.interface.js';
import type { Clock } from '../../platform/clock.js';
import {
  LINEAGE,
  markWorker,
  reportsDependencies,
  startEnvironment,
  wasSwitchedOn,
  type WorkerSettings,
} from '../../platform/environment.js';
import { processesMarked } from '../../platform/process-tree.js';
import { PROTOCOL } from '../../protocol/messages.js';
import { CompileCache } from './compile-cache.js';
import { ExpectedServers } from './expected-servers.js';
import { forkSettings, type ForkSettings } from './fork-settings.js';
import type { Doorkeeper } from '../sockets/binder.js';
import { Listening } from '../sockets/listening.js';
import { portsOfOwnServers } from '../sockets/own-servers.js';
import type { HandOver } from '../sockets/handoffs.js';
import { OutputRelay } from '../output/output-relay.js';
import type { PrimaryOutput } from '../output/primary-output.js';
import { Reaper } from './orphan-reaper.js';
import { Releases, type Release, startPlace } from './release.js';
import { watcherOfThisProcess } from '../watcher.js';
import { WorkerProcess } from './worker-handle.js';

/** A dead worker's bus may hold unread bytes for this long (ms) before it is cut. */
const BUS_LINGER = 1_000;

/** How many dead workers' pids and last words are remembered. */
const OBITUARIES = 64;

/** The worker processes there are, and a number of those there were. */
export class WorkerProcesses {
  private readonly byId = new Map<number, WorkerProcess>();
  private readonly byClusterId = new Map<number, WorkerProcess>();
  readonly expectedServers = new ExpectedServers();
  /** The newest generation of which a worker has been ready. */
  provenGeneration = 1;
  /** Ports that main.ts listens on in this process; found before any is listened on for workers. */
  private primaryPorts: readonly number[] = [];
  private readonly settings: ForkSettings;
  private readonly lineage = randomUUID();
  private readonly reaper = new Reaper();
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
    const doors = {
      open: (id: number, key: string, slot: number, socket: object) =>
        this.get(id)?.send({ type: 'door', key, slot }, socket),
      shut: (id: number, key: string, slot: number) => this.get(id)?.send({ type: 'shut', key, slot }),
    };
    const handOver: HandOver = (id, message, connection) => {
      const worker = this.get(id);
      worker?.send({ type: 'connection', ...message }, connection);
      return worker?.answered ?? 0;
    };
    this.listening = new Listening(options, { doors, handOver }, clock);
  }

  /** Holds the servers' sockets; undefined where node:cluster does. */
  get doorkeeper(): Doorkeeper {
    return this.listening.doorkeeper;
  }

  /** Makes node:cluster fork as the options say, and provides for the primary's sudden end. */
  setUp(): void {
    this.primaryPorts = portsOfOwnServers();
    this.listening.setUp();
    this.use(this.releases.of(1));
    this.reaper.start(`${LINEAGE}=${this.lineage}/`, this.compileCache.folder);
  }

  /**
   * Forks a worker and seats it on the bus. Where there can be no process, `failed` is told why, once, now or soon.
   */
  fork(
    id: number,
    slot: number,
    generation: number,
    slots: number,
    failed: (error: unknown) => void,
  ): WorkerProcess | undefined {
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
  ): WorkerProcess | undefined {
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
        ...markWorker(mark, this.lineageOf(id)),
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
    const known = new WorkerProcess(id, slot, generation, worker, output, member, key);
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
  read(sender: WorkerProcess, answered: number): void {
    if (sender.worker !== undefined) this.listening.read(sender.worker, sender.id, answered);
  }

  /** Of those that live. */
  get pids(): number[] {
    return [...this.byId.values()].filter(({ alive }) => alive).map(({ pid }) => pid);
  }

  get(id: number | undefined): WorkerProcess | undefined {
    return id === undefined ? undefined : this.byId.get(id);
  }

  /** The worker that node:cluster means. */
  of(worker: Worker): WorkerProcess | undefined {
    return this.byClusterId.get(worker.id);
  }

  /** The process is gone: what it left behind goes too, unless it left in good order. */
  buried(known: WorkerProcess, inGoodOrder: boolean): void {
    known.buried();
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
    await this.reaper.dismiss(this.clock);
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
    for (const pid of await processesMarked(LINEAGE, this.lineageOf(id))) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself meanwhile.
      }
    }
  }

  private lineageOf(id: number): string {
    return `${this.lineage}/${id}`;
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
    for (const { id, clusterId } of dead.slice(0, Math.max(0, dead.length - OBITUARIES))) {
      this.byId.delete(id);
      this.byClusterId.delete(clusterId);
    }
  }
}
