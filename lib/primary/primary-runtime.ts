import cluster, { type Worker } from 'node:cluster';
import type { Observable } from 'rxjs';
import { type Bus, PRIMARY_ID } from '../bus/bus.interface.js';
import type { DeadLetters } from '../distributed-bus/tasks/dead-letters.js';
import type { DistributedBus } from '../distributed-bus/distributed-bus.js';
import { Hub } from '../local-bus/hub/hub.js';
import { joinHosts } from '../runtime/join-hosts.js';
import { LocalBus } from '../local-bus/local-bus.js';
import { memoryLinkPair } from '../local-bus/wire/memory-link.js';
import { newMemberId } from '../distributed-bus/member-id.js';
import { ClusterRequestError, ReloadError } from '../errors/errors.js';
import { messageOf, stackOf } from '../errors/read-error.js';
import type { ProcessRuntime } from '../runtime/process-runtime.interface.js';
import type { ResolvedClusterOptions } from '../options/cluster-options.interface.js';
import { MAX_WORKERS } from '../platform/limits.js';
import type { BusConnection } from '../messenger/bus-connection.js';
import { ClusterLogger } from '../platform/cluster-logger.js';
import { inRootContext } from '../platform/async-context.js';
import type { Clock } from '../platform/clock.js';
import type { FromPrimary } from '../protocol/messages.js';
import type { ReloadProgress, ReloadReport } from '../runtime/reload.interface.js';
import { debugSigns, mayBeHeldAtBoot } from './debugged.js';
import { ParentProgram } from './parent-program.js';
import type { PrimaryOutput } from './output/primary-output.js';
import { type Answer, ReloadRequests, type ReloadSources } from './reload-requests.js';
import { type Performer, SupervisionLoop } from './supervision-loop.js';
import { type MessageReceivers, WorkerMessages } from './worker-messages.js';
import { PassedOnConnections } from './sockets/passed-on-connections.js';
import { shutdownUnder, watcherOfThisProcess } from './watcher.js';
import { EXIT_BY_SIGNAL, isEnding, SIGNAL_SPACING, Supervisor } from './supervisor/supervisor.js';
import type { StopSignal, SupervisorAction, SupervisorEvent } from './supervisor/supervisor.types.js';
import type { WorkerEvents } from './worker-events.explorer.js';
import { WorkerProcesses } from './processes/worker-processes.js';

/**
 * How long the primary waits for the first contact with the broker before it starts workers, in ms. It keeps trying
 * while they load, and tells them the result.
 */
const PRIMARY_CONTACT = 250;

/** Carries out the decisions of the supervisor: forks and kills workers, and informs the workers and the bus. */
export class PrimaryRuntime implements ProcessRuntime {
  readonly role = 'primary';
  readonly slot = -1;
  bus: Bus;
  private connection: BusConnection | undefined;
  /** Resolves to the exit code once the last worker is gone and the cluster has stopped. */
  readonly stopped: Promise<number>;
  private readonly logger = new ClusterLogger();
  private readonly supervisor: Supervisor;
  private readonly hub: Hub;
  /** Its number among the members of all hosts. */
  private readonly member = newMemberId();
  /** The bus, if it spans several hosts. */
  private hosts: DistributedBus | undefined;
  private readonly processes: WorkerProcesses;
  private readonly loop: SupervisionLoop;
  private readonly messages: WorkerMessages;
  private readonly reloads: ReloadRequests;
  private scaleRequests: Answer<void>[] = [];
  private workerEvents: WorkerEvents | undefined;
  /** Set when the cluster stops: resolves when no client is accepted any more. */
  private backlogDrained: Promise<void> | undefined;
  /** Workers that were told to leave and may still take a connection. */
  private readonly closing = new Set<number>();
  private readonly parent = ParentProgram.ofThisProcess();
  private readonly passedOn: PassedOnConnections;
  private finish: (code: number) => void = () => {};
  /** When the first stop signal arrived, in whatever state the cluster was. */
  private signalledAt: number | undefined;

  constructor(
    private readonly options: ResolvedClusterOptions,
    workers: number,
    private readonly clock: Clock,
    private readonly output: PrimaryOutput,
  ) {
    // A debugger may stop a worker for any length of time; its user has to end a worker that hangs.
    const held = mayBeHeldAtBoot(debugSigns(options.fork));
    const startup = held ? { ...options.startup, timeout: Infinity } : options.startup;
    const watcher = watcherOfThisProcess();
    const shutdown = shutdownUnder(watcher, options.shutdown);
    const isWatched = watcher !== undefined;
    this.supervisor = new Supervisor({ ...options, startup, shutdown, workers, isWatched }, Math.random);
    const { maxPayload, queueLimit } = options.messenger;
    const warn = (message: string) => this.logger.warn(message);
    this.hub = new Hub({ queueLimit, warn, lost: (id, reason) => this.dispatch({ type: 'cut-off', id, reason }) });
    this.processes = new WorkerProcesses(options, this.hub, clock, this.member, output, warn);
    const [ours, hubs] = memoryLinkPair();
    this.hub.attachPrimary(hubs);
    this.bus = new LocalBus(ours, { id: PRIMARY_ID, address: 'primary', generation: 0 }, { maxPayload, queueLimit });
    this.passedOn = new PassedOnConnections(
      (id, message, connection) => {
        const worker = this.processes.get(id);
        worker?.send({ type: 'passed-on', ...message }, connection);
        return worker?.answered ?? 0;
      },
      () => this.supervisor.state.workers.values(),
      clock,
    );
    this.stopped = new Promise((resolve) => (this.finish = resolve));
    this.reloads = new ReloadRequests(this.reloadSources(), clock, this.logger);
    this.messages = new WorkerMessages(this.messageReceivers());
    this.loop = new SupervisionLoop(this.supervisor, clock, this.performer());
  }

  get isStopping(): boolean {
    const { phase } = this.supervisor.state;
    return phase !== 'running' && phase !== 'idle';
  }

  get generation(): number {
    return this.supervisor.state.generation;
  }

  get slots(): number {
    return this.supervisor.state.target;
  }

  get workerPids(): number[] {
    return this.processes.pids;
  }

  get isLeader(): boolean {
    return false;
  }

  get leaderToken(): undefined {
    return undefined;
  }

  get deadLetters(): DeadLetters | undefined {
    return this.hosts?.deadLetters;
  }

  get reloadProgress(): Observable<ReloadProgress> {
    return this.reloads.progress;
  }

  /** Joins the other hosts, if the options name an engine. Must be called before the services use the bus. */
  async join(): Promise<void> {
    const { engine, ...messenger } = this.options.messenger;
    if (engine === undefined) return;
    const warn = (message: string) => this.logger.warn(message);
    const log = (message: string) => this.logger.log(message);
    const { member } = this;
    const identity = { id: member, primary: member, worker: 0, address: 'primary', generation: 0 } as const;
    const refused = (error: Error) => this.refusedByBroker(error);
    const contact = { patience: PRIMARY_CONTACT, endsWithRefusal: true, refused };
    this.hosts = await joinHosts({ engine, messenger, warn, log, contact }, this.bus, identity);
    this.bus = this.hosts;
  }

  /** The broker has answered late, and refuses for good. If no worker has been ready yet, the cluster cannot start. */
  private refusedByBroker(error: Error): void {
    if (this.supervisor.state.everReady) return;
    this.logger.error('The cluster cannot be started', stackOf(error));
    this.fail();
  }

  /** Starts supervising. The primary module is already up, so it gets every event from 'setup' on. */
  start(workerEvents: WorkerEvents): void {
    this.workerEvents = workerEvents;
    this.listenToCluster();
    this.parent.onShutdown(() => {
      this.logger.log("'shutdown' from the parent process: as SIGTERM");
      this.stop('SIGTERM');
    });
    this.processes.setUp();
    this.dispatch({ type: 'start' });
  }

  /** Stops the cluster: gracefully at the first signal, at once at a later one. */
  stop(signal: StopSignal): void {
    const now = this.clock.now();
    this.signalledAt ??= now;
    // No worker is left, but the rest of the stop takes long, or waits in vain.
    const { phase } = this.supervisor.state;
    if (phase === 'stopped' && isEnding(signal) && now - this.signalledAt >= SIGNAL_SPACING) {
      // The cluster has done its work, and a listener of the app may raise the signal again to end the process.
      process.exit(process.exitCode ?? this.supervisor.state.exitCode);
    }
    this.dispatch({ type: 'signal', signal });
  }

  /** The signal that stopped the cluster; undefined if it ends for another reason, or was ended at once. */
  get stopSignal(): StopSignal | undefined {
    const { exitCode, stopSignal } = this.supervisor.state;
    return exitCode === 0 ? stopSignal : undefined;
  }

  /** Ends the cluster gracefully because the primary itself failed. */
  fail(): void {
    this.dispatch({ type: 'stop', code: 1 });
  }

  /** Resolves when everything that the workers wrote is written, or when nobody reads it. */
  async flush(): Promise<void> {
    await this.processes.flush();
  }

  reload(): Promise<ReloadReport> {
    return new Promise((resolve, reject) => inRootContext(() => this.requestReload(undefined, { resolve, reject })));
  }

  scale(workers: number): Promise<void> {
    return new Promise((resolve, reject) => inRootContext(() => this.requestScale(workers, { resolve, reject })));
  }

  bootstrapped(): void {
    // Nothing is decided when the primary's own context is up; start() follows.
  }

  refused(): void {
    // The code that boots the primary's context handles its failure.
  }

  connect(make: () => BusConnection): BusConnection {
    return (this.connection ??= make());
  }

  async closed(): Promise<void> {
    await this.connection?.close();
    await this.bus.close();
    this.hub.close();
  }

  private reloadSources(): ReloadSources {
    const { processes } = this;
    return {
      pidOf: (worker) => processes.get(worker)?.pid,
      releaseOf: (generation) => processes.releaseOf(generation),
      stderrTailOf: (worker) => processes.get(worker)?.stderrTail(),
      isListeningOver: () => this.closing.size === 0,
    };
  }

  private messageReceivers(): MessageReceivers {
    const { processes, hub, passedOn, output, parent, logger } = this;
    return {
      processes,
      hub,
      passedOn,
      output,
      parent,
      logger,
      dispatch: (event) => this.dispatch(event),
      reload: (requester, answer) => this.requestReload(requester, answer),
      scale: (workers, answer) => this.requestScale(workers, answer),
      isBrokerReachable: () => this.hosts?.isReachable() ?? Promise.resolve(false),
      stoppedListening: (worker) => void this.closing.delete(worker),
      onAppMessage: (worker, message, handle) => this.workerEvents?.emit('message', worker, message, handle),
    };
  }

  // ---- requests -------------------------------------------------------------------------------------

  private requestReload(requester: number | undefined, answer: Answer<ReloadReport>): void {
    this.reloads.add(requester, answer);
    this.dispatch(requester === undefined ? { type: 'reload' } : { type: 'reload', requester });
  }

  private requestScale(workers: number, answer: Answer<void>): void {
    if (!Number.isInteger(workers) || workers < 1 || workers > MAX_WORKERS) {
      return answer.reject(
        new ClusterRequestError(`scale(${String(workers)}): expected a whole number from 1 to ${MAX_WORKERS}.`),
      );
    }
    if (this.supervisor.state.phase !== 'running') {
      return answer.reject(new ClusterRequestError(`scale(${workers}): the cluster is stopping.`));
    }
    this.scaleRequests.push(answer);
    this.dispatch({ type: 'scale', workers });
  }

  // ---- events -----------------------------------------------------------------------------------------

  private listenToCluster(): void {
    const emit = (event: 'fork' | 'online' | 'listening' | 'disconnect' | 'exit' | 'setup') => {
      cluster.on(event as 'exit', (...args: unknown[]) => this.workerEvents?.emit(event, ...args));
    };
    cluster.on('online', (worker) => this.about(worker, (id) => ({ type: 'online', id })));
    cluster.on('disconnect', (worker) => this.about(worker, (id) => ({ type: 'disconnected', id })));
    cluster.on('message', (worker, message, handle) => this.messages.onAppMessage(worker, message, handle));
    cluster.on('exit', (worker, code, signal) => this.ended(worker, code, signal));
    for (const event of ['fork', 'online', 'listening', 'disconnect', 'exit', 'setup'] as const) emit(event);
  }

  private about(worker: Worker, event: (id: number) => SupervisorEvent): void {
    const known = this.processes.of(worker);
    if (known) this.dispatch(event(known.id));
  }

  private ended(worker: Worker, code: number | null, signal: string | null): void {
    const known = this.processes.of(worker);
    if (!known) return;
    this.processes.forget(known, code === 0);
    this.hosts?.addTombstone(known.member);
    this.closing.delete(known.id);
    this.passedOn.gone(known.id);
    this.dispatch({ type: 'exited', id: known.id, code, signal });
  }

  private dispatch(event: SupervisorEvent): void {
    this.loop.dispatch(event);
  }

  private get isDraining(): boolean {
    const { phase } = this.supervisor.state;
    return phase === 'stopping' || phase === 'stopped';
  }

  // ---- actions ----------------------------------------------------------------------------------------

  private performer(): Performer {
    return {
      decided: () => this.hub.expect(this.isDraining ? 0 : this.slots),
      perform: (action) => this.perform(action),
      failed: ({ type }, error) => this.logger.error(`The primary could not carry out '${type}'`, stackOf(error)),
      performed: () => {
        this.processes.binder.update(this.supervisor.state);
        if (this.supervisor.isComplete) this.parent.complete();
      },
    };
  }

  private perform(action: SupervisorAction): void {
    switch (action.type) {
      case 'fork':
        return this.fork(action.id, action.slot, action.generation);
      case 'joined':
        return this.hub.ready(action.id);
      case 'suspected':
        return this.hub.suspect(action.id, action.suspect);
      case 'isolate':
        return this.hub.suspect(action.id, true);
      case 'drain':
        return void this.drain(action);
      case 'kill':
        return this.processes.get(action.id)?.kill(action.signal);
      case 'lease':
        return this.lease(action);
      case 'stopping':
        return this.announceStop();
      case 'reload-progress':
        return this.announce(action.progress);
      case 'reload-done':
        return this.reloads.done(action);
      case 'reload-failed':
        this.processes.forgetReleasesAfter(this.generation);
        return void this.reloads.failed(action.reason, action.worker);
      case 'reload-refused':
        return this.reloads.refused(action.reason);
      case 'scaled':
        for (const request of this.scaleRequests.splice(0)) request.resolve();
        return;
      case 'log':
        return this.logger[action.level](action.message);
      case 'exit':
        return void this.exit(action.code, action.worker);
    }
  }

  private fork(id: number, slot: number, generation: number): void {
    // The file does not exist, or no memory, process or descriptor is left: then node:cluster emits no 'exit'.
    const failed = (error: unknown): void =>
      this.dispatch({ type: 'exited', id, code: null, signal: null, error: messageOf(error) });
    const known = this.processes.fork(id, slot, generation, this.slots, failed);
    if (known?.worker === undefined) return;
    const { worker, pid } = known;
    worker.process.on('internalMessage', (message: unknown, handle: unknown) =>
      this.messages.onMessage(known, message, handle),
    );
    worker.on('error', (error) => this.logger.error(`worker ${id} in slot ${slot}: ${messageOf(error)}`));
    this.dispatch({ type: 'forked', id, pid });
  }

  private async drain({ id, timeout, reason, signal }: SupervisorAction & { type: 'drain' }): Promise<void> {
    // All workers leave at once: a client that was accepted before must still find a worker that listens, and a request
    // in flight may need another worker for its answer. So each worker stays a member until its clients have left.
    if (reason === 'stop') await (this.backlogDrained ??= this.processes.stopAccepting());
    else {
      const report = this.reloads.reportTo(id);
      if (report !== undefined) await report;
      this.hub.leaving(id);
    }
    if (!this.supervisor.state.workers.has(id)) return;
    this.closing.add(id);
    this.send(id, { type: 'drain', timeout, reason, signal });
  }

  private send(id: number, message: FromPrimary): void {
    this.processes.get(id)?.send(message);
  }

  private lease({ id, seq, term }: SupervisorAction & { type: 'lease' }): void {
    this.send(id, { type: 'lease', seq, term, slots: this.slots, stopping: this.isStopping });
  }

  /**
   * Tells the workers that the cluster stops. A worker that cannot receive this yet learns it from the answer to its
   * first heartbeat.
   */
  private announceStop(): void {
    this.hub.stopping();
    for (const { id } of this.supervisor.state.workers.values()) this.send(id, { type: 'stopping' });
  }

  private announce(progress: ReloadProgress): void {
    this.reloads.progressed(progress);
    for (const { id } of this.supervisor.state.workers.values()) this.send(id, { type: 'reload-progress', progress });
  }

  private async exit(code: number, id: number | undefined): Promise<void> {
    for (const request of this.scaleRequests.splice(0))
      request.reject(new ClusterRequestError('The cluster is stopping.'));
    this.reloads.rejectAll(new ReloadError('Reload failed: the cluster is stopping.'));
    // The last lines of the worker's stderr should appear before the line that they explain.
    if (id !== undefined) await this.processes.get(id)?.stderrTail();
    // After a second signal, the end was requested and is not an error.
    if (code !== 0 && code < EXIT_BY_SIGNAL) {
      const why = this.supervisor.state.everReady ? '' : 'no worker became ready: ';
      this.logger.error(`${why}the cluster ends with code ${code}`);
    }
    try {
      await this.processes.close();
    } finally {
      this.finish(code);
    }
  }
}
