import cluster from 'node:cluster';
import module from 'node:module';
import { Subject, type Observable } from 'rxjs';
import type { Bus } from '../bus/bus.interface.js';
import type { DeadLetters } from '../distributed-bus/tasks/dead-letters.js';
import type { DistributedBus } from '../distributed-bus/distributed-bus.js';
import { joinHosts } from '../runtime/join-hosts.js';
import { LocalBus } from '../local-bus/local-bus.js';
import { SocketLink } from '../local-bus/wire/socket-link.js';
import { maxFrameOf } from '../local-bus/wire/frame.js';
import { inspected, stackOf } from '../errors/read-error.js';
import type { ProcessRuntime } from '../runtime/process-runtime.interface.js';
import type { ResolvedClusterOptions } from '../options/cluster-options.interface.js';
import type { BusConnection } from '../messenger/bus-connection.js';
import { LostCalls } from '../messenger/lost-calls.js';
import { printable } from '../errors/printable.js';
import { ClusterLogger } from '../platform/cluster-logger.js';
import { type Clock, sleep } from '../platform/clock.js';
import type { WorkerData, WorkerSettings } from '../protocol/worker-data.js';
import { HeldListeners } from '../platform/held-listeners.js';
import { chosenLogger, writesJson } from '../platform/nest-logger.js';
import { processEvents } from '../platform/process-events.js';
import { ignoreBrokenPipe, waitForReader } from '../platform/standard-output.js';
import { hasTerminal } from '../platform/terminal.js';
import { errorReport } from '../protocol/error-report.js';
import { EXIT_CONFIG, EXIT_UNFINISHED } from '../protocol/exit-codes.js';
import { FAILING_TIMEOUT } from '../protocol/timeouts.js';
import type { ListenAnswer } from '../protocol/listening.js';
import type { FromPrimary, Vitals } from '../protocol/messages.js';
import type { ReloadProgress, ReloadReport } from '../runtime/reload.interface.js';
import { BootWatch } from './boot-watch.js';
import { Containers } from './containers.js';
import { protocolProblem } from './check-protocol.js';
import { ControlChannel } from './control-channel.js';
import { type Departing, Departure } from './departure.js';
import type { ConnectionHandle } from './drain/message-connections.js';
import { Microservices } from './drain/microservices.js';
import { IDLE_GRACE, IDLE_GRACE_AT_STOP } from './drain/drain.js';
import type { ClientHandle, SocketHandle } from './sockets/faux-handle.js';
import { HealthChecks } from './drain/health-checks.js';
import { Heartbeat, type Load } from './heartbeat.js';
import { LeaderLease } from './leader-lease.js';
import { ServerHandles } from './sockets/server-handles.js';
import { LoadedFilesReport } from './loaded-files.js';
import { watchApplications, type HostApplication } from './nest-application.js';
import { ProgramEnd } from './program-end.js';
import { ServerRegistry } from './drain/server-registry.js';
import { giveShutdownHooks } from './shutdown-signal.js';

/**
 * How long a worker that gets SIGTERM waits to learn whether the primary has got one, too, in ms: service managers
 * signal every process of a service at once, and then a replacement of this worker would boot in vain.
 */
const GROUP_SIGNAL_TIME = 500;

/** How long running work may take once the primary is gone, in ms. */
const ORPHAN_TIMEOUT = 3_000;

/**
 * How long a worker waits for its first contact with the broker, in ms. It does not wait if the primary has not reached
 * the broker either.
 */
const WORKER_CONTACT = 3_000;

/** How much of the text of an uncaught error is sent to the primary, in characters. */
const MAX_ERROR_TEXT = 16_384;

/** How long a worker that cannot boot waits until the primary has received the error, in ms. */
const HEARD_TIMEOUT = 1_000;

/** Decide what an uncaught error means; see the options of the same names. */
export interface UncaughtVerdicts {
  readonly onUncaughtException?: ((error: unknown) => boolean | void) | undefined;
  readonly onUnhandledRejection?: ((reason: unknown) => boolean | void) | undefined;
}

/**
 * The worker's side of supervision: it reports when it is ready and that it is alive, and leaves without losing
 * anything.
 */
export class WorkerRuntime implements ProcessRuntime {
  readonly role = 'worker';
  readonly slot: number;
  readonly generation: number;
  slots: number;
  bus: Bus;
  /** The user's functions that decide what an uncaught error means; known once the options are. */
  verdicts: UncaughtVerdicts = {};
  private readonly settings: WorkerSettings;
  private readonly logger = new ClusterLogger();
  private readonly control: ControlChannel;
  private readonly servers: ServerRegistry;
  private readonly containers: Containers;
  /**
   * HTTP applications that have connected a microservice and have not booted, each with the function that counts it as
   * booted.
   */
  private readonly hybrids = new Map<HostApplication, () => void>();
  private readonly boot: BootWatch;
  private readonly microservices: Microservices;
  private readonly programEnd: ProgramEnd;
  private readonly loadedFiles: LoadedFilesReport | undefined;
  private readonly serverHandles = new ServerHandles({
    ask: (address) => this.control.request({ type: 'listen', address }) as Promise<ListenAnswer>,
    listening: (address) => this.control.send({ type: 'listening', address }),
    unlisten: (key) => this.control.send({ type: 'unlisten', key }),
    release: (key, slot) => this.control.send({ type: 'release-socket', key, slot }),
    ack: (seq, accepted) => this.control.send({ type: 'handoff-ack', seq, accepted }),
  });
  private readonly progress = new Subject<ReloadProgress>();
  private readonly lease: LeaderLease;
  /** The bus, if it spans several hosts. */
  private hosts: DistributedBus | undefined;
  private adopting: Promise<void> | undefined;
  private vitals: Vitals | undefined;
  /** The last heartbeat that the primary has answered. */
  private answered = 0;
  private options: ResolvedClusterOptions | undefined;
  private connection: BusConnection | undefined;
  private readonly healthChecks = new HealthChecks();
  private readonly lostCalls: LostCalls;
  private ready = false;
  private isToStop = false;
  private readonly departure: Departure;
  /** The signal that ends this worker, as the application is told. */
  private endSignal: NodeJS.Signals | undefined;
  private held: HeldListeners | undefined;
  /**
   * Set if the application's own code closed it: then the application is told only the signal that this code has
   * passed.
   */
  private closedBy: { readonly signal: NodeJS.Signals | undefined } | undefined;
  constructor(
    private readonly data: WorkerData,
    private readonly clock: Clock,
  ) {
    this.control = new ControlChannel(data.key);
    this.slot = data.slot;
    this.generation = data.generation;
    this.slots = data.slots;
    this.settings = data.settings;
    const { leaseDuration, maxPayload, queueLimit } = data.settings;
    this.lease = new LeaderLease(leaseDuration);
    this.lostCalls = new LostCalls(
      (message) => this.logger.warn(message),
      () => clock.now(),
    );
    this.containers = new Containers(data.settings.countsContexts);
    this.servers = new ServerRegistry(() => this.boot.changed(), data.primaryPorts);
    this.microservices = new Microservices(clock, this.logger, () => this.boot.changed());
    this.boot = this.watchBoot();
    if (this.settings.reportsDependencies) this.loadedFiles = new LoadedFilesReport((files) => process.send?.(files));
    this.departure = new Departure(this.departing(), clock);
    const link = SocketLink.over(data.busFd, maxFrameOf(maxPayload));
    const bus = new LocalBus(
      link,
      { id: data.id, address: data.slot, generation: data.generation },
      { maxPayload, queueLimit },
    );
    this.bus = bus;
    // The worker is leaving, or its link has ended. A worker that receives nothing must not lead; it will be replaced.
    void bus.drained.then(() => this.lease.resign());
    // Node does not know of servers that listen on sockets of the primary.
    const isServing = () => this.servers.listening + this.servers.awaiting + this.microservices.awaiting > 0;
    const isWaiting = () => bus.isWaiting || this.control.isWaiting || isServing();
    this.programEnd = new ProgramEnd([link, process.channel!], isWaiting, clock);
  }

  /** Sets up this process as a worker. Must be called before the application is constructed. */
  start(): void {
    this.refuseOtherVersion();
    ignoreBrokenPipe();
    const [stdout, stderr] = this.settings.waitsForReader;
    waitForReader(
      { isOwnPipe: stdout, afterPrimary: this.data.busFd + 1 },
      { isOwnPipe: stderr, afterPrimary: this.data.busFd + 2 },
      this.clock,
    );
    this.servers.install();
    this.microservices.install();
    if (!this.serverHandles.install(this.settings.ownSockets)) {
      this.logger.warn('This Node does not let us listen on sockets of the primary; node:cluster does it its own way');
    }
    giveShutdownHooks(() => this.endSignal);
    watchApplications({
      bootstrapped: (app, close) => {
        this.microservices.bootstrapped(app);
        this.hybrids.delete(app);
        this.containers.add(app, close);
        if (this.containers.applications.length > 0) this.programEnd.prevent();
        this.healthChecks.add(app);
        this.boot.changed();
      },
      connected: (app, adopt) => this.hybrids.set(app, adopt),
      askedToListen: (listening) => this.boot.askedToListen(listening),
      closing: (app, signal) => this.closing(app, signal),
    });
    this.control.messages.subscribe(({ message, socket }) => this.onControlMessage(message, socket));
    this.listenToProcess();
    this.programEnd.allow();
    new Heartbeat(
      this.clock,
      this.settings.heartbeatInterval,
      () => this.load(),
      (seq, vitals) => {
        this.vitals = vitals;
        this.lease.heartbeat(seq, this.clock.now());
        this.control.send({ type: 'heartbeat', seq, answered: this.answered, vitals });
        if (this.ready) this.loadedFiles?.update();
      },
    ).start();
  }

  /** Exits if a reload has brought another version of this package, whose messages the primary does not understand. */
  private refuseOtherVersion(): void {
    const problem = protocolProblem(this.data.protocol);
    if (problem === undefined) return;
    // The message goes directly to stderr, because the primary puts the end of stderr into the error of the reload.
    process.stderr.write(`${printable(problem)}\n`);
    process.exit(EXIT_CONFIG);
  }

  /** Takes the options, once they are known. Must be called before the services use the bus. */
  adopt(options: ResolvedClusterOptions): Promise<void> {
    this.options ??= options;
    this.loadedFiles?.begin();
    this.verdicts = this.options;
    this.adopting ??= this.join(options);
    return this.adopting;
  }

  get isStopping(): boolean {
    return this.isToStop;
  }

  get isLeader(): boolean {
    return this.leaderToken !== undefined;
  }

  get leaderToken(): number | undefined {
    return this.hosts === undefined ? this.lease.term(this.clock.now()) : this.hosts.leaderToken;
  }

  get deadLetters(): DeadLetters | undefined {
    return this.hosts?.deadLetters;
  }

  get reloadProgress(): Observable<ReloadProgress> {
    return this.progress;
  }

  reload(): Promise<ReloadReport> {
    return this.control.request({ type: 'reload' }) as Promise<ReloadReport>;
  }

  async scale(workers: number): Promise<void> {
    await this.control.request({ type: 'scale', workers });
  }

  bootstrapped(): void {
    // Hooks of other modules may still run: `watchApplications` reports when the application has booted.
  }

  refused(error: Error): void {
    this.control.send({ type: 'boot-failed', error: errorReport(error), fatal: true });
    // Nest itself ends the process after a failed boot; this is the code with which it should end.
    processEvents.onExit(() => (process.exitCode = EXIT_CONFIG));
  }

  connect(make: () => BusConnection): BusConnection {
    return (this.connection ??= make());
  }

  async closed(): Promise<void> {
    // Other containers may still be open; the bus is closed when the process leaves.
  }

  private async join(options: ResolvedClusterOptions): Promise<void> {
    const { engine, ...messenger } = options.messenger;
    if (engine === undefined) return;
    const { id: worker, member: id, primary, slot: address, generation } = this.data;
    const warn = (message: string) => this.logger.warn(message);
    const log = (message: string) => this.logger.log(message);
    const load = () => {
      if (this.vitals === undefined) return undefined;
      const { inFlight, utilisation, rss } = this.vitals;
      return { inFlight, utilisation, rss };
    };
    const isReachable = this.control.request({ type: 'broker' }).then(
      (answer) => answer === true,
      () => false,
    );
    // If the broker accepts the primary and refuses a new build, the build is bad. Any other worker serves without a
    // broker.
    const endsWithRefusal = this.data.isTrial && isReachable;
    const contact = { patience: WORKER_CONTACT, isReachable, endsWithRefusal };
    const joining = { engine, messenger, warn, log, load, contact };
    this.hosts = await joinHosts(joining, this.bus, { id, primary, worker, address, generation });
    this.bus = this.hosts;
  }

  private async load(): Promise<Load> {
    return {
      requests: this.servers.requests,
      inFlight: this.servers.inFlight + this.microservices.inFlight + (this.connection?.dispatcher.inFlight ?? 0),
      connections: await this.servers.connections(),
    };
  }

  private watchBoot(): BootWatch {
    const { containers, servers, microservices, hybrids } = this;
    const subject = {
      get hasBooted(): boolean {
        return containers.applications.length > 0;
      },
      get isHybrid(): boolean {
        return hybrids.size > 0 && microservices.isOpen;
      },
      get isHttp(): boolean {
        return containers.applications.some((app) => app.getHttpServer !== undefined);
      },
      servers: {
        get listening(): number {
          return servers.listening;
        },
        get awaiting(): number {
          return servers.awaiting + microservices.awaiting;
        },
        get isRefused(): boolean {
          return microservices.isRefused;
        },
      },
    };
    return new BootWatch(this.clock, subject, this.data.serversBefore, {
      refused: () => this.programEnd.allow(),
      ready: (count) => this.becameReady(count),
      listens: (count) => this.control.send({ type: 'listens', servers: count }),
      warn: (message) => this.logger.warn(message),
    });
  }

  private becameReady(servers: number): void {
    if (this.departure.hasBegun) return;
    this.programEnd.prevent();
    if (this.containers.applications.length === 0) for (const adopt of this.hybrids.values()) adopt();
    // This is done before clients come, because it takes the process a moment. One worker is enough.
    if (this.settings.compileCache !== undefined && this.slot === 0) keepCompiledCode();
    this.ready = true;
    const { unreadyTime } = this.healthChecks;
    this.control.send({ type: 'ready', servers, logsJson: writesJson(chosenLogger()), unreadyTime });
  }

  /**
   * The application's own code closes it. If this leaves the worker without an application, the worker is replaced
   * first: it serves until its replacement is ready, drains, and then closes the application, as whenever it leaves.
   */
  private closing(app: HostApplication, signal: string | undefined): Promise<void> {
    if (this.departure.hasBegun) return this.departure.appsClosed;
    const others = this.containers.applications.filter((other) => other !== app);
    const isLast = others.length === 0 && this.containers.applications.includes(app);
    if (isLast) this.closedBy = { signal: signal as NodeJS.Signals | undefined };
    if (
      !this.ready ||
      !isLast ||
      !this.control.send({ type: 'retire', reason: 'its application called app.close()' })
    ) {
      if (!this.ready && isLast) this.programEnd.allow();
      return this.containers.closeOne(app, signal);
    }
    return this.departure.appsClosed;
  }

  private onControlMessage(message: FromPrimary, socket: unknown): void {
    switch (message.type) {
      case 'socket':
        return this.serverHandles.addSocket(message.key, message.slot, socket as SocketHandle);
      case 'release-socket':
        return this.serverHandles.removeSocket(message.key, message.slot);
      case 'connection': {
        const head = message.head === undefined ? undefined : Buffer.from(message.head, 'base64');
        return this.serverHandles.connected(message.key, message.seq, socket as ClientHandle, head);
      }
      case 'passed-on': {
        const accepted = this.microservices.take(message.key, socket as ConnectionHandle);
        if (!accepted) (socket as ClientHandle).close();
        this.control.send({ type: 'pass-on-ack', seq: message.seq, accepted });
        return;
      }
      case 'drain':
        if (!this.ready) this.servers.keepClosed();
        if (!this.departure.hasBegun) this.endSignal = this.closedBy ? this.closedBy.signal : message.signal;
        if (message.reason === 'stop') this.departure.isLast = true;
        return void this.leave(message.timeout, 0, this.departure.isLast ? this.idleGraceAtStop : IDLE_GRACE);
      case 'stopping':
        return this.announceStop();
      case 'barrier':
        return this.departure.barrierPassed();
      case 'lease':
        this.answered = message.seq;
        this.slots = message.slots;
        if (message.stopping) this.announceStop();
        if (!this.departure.hasBegun) this.lease.answered(message.seq, message.term);
        return;
      case 'reload-progress':
        return this.progress.next(message.progress as ReloadProgress);
      case 'answer':
        return;
    }
  }

  /** Asks for a replacement, unless the whole cluster stops. */
  private retire(reason: string): void {
    if (!this.departure.hasBegun && !this.isToStop) this.control.send({ type: 'retire', reason });
  }

  private announceStop(): void {
    this.isToStop = true;
    this.healthChecks.shutDown();
  }

  private listenToProcess(): void {
    // A worker ignores these signals and follows the primary: Ctrl-C and a hang-up reach the whole process group.
    const primarys = new Set(['SIGINT', 'SIGHUP', ...this.settings.reloadSignals] as const);
    // A terminal sends these to stop a background process that uses it, again and again if they are ignored: with a
    // terminal, their default action stays.
    const scaling = hasTerminal() ? [] : (['SIGTTIN', 'SIGTTOU'] as const);
    for (const signal of [...primarys, ...scaling]) processEvents.onSignal(signal, () => {});
    processEvents.onSignal('SIGTERM', () => {
      if (!this.departure.hasBegun) this.clock.after(GROUP_SIGNAL_TIME, () => this.retire('SIGTERM'), false);
      else this.departure.endBySignal();
    });
    this.held = new HeldListeners(new Set(['SIGTERM', ...primarys]), this.clock);
    processEvents.onUncaughtException((error) => this.failed(error, this.verdicts.onUncaughtException));
    processEvents.onUnhandledRejection((reason) => this.rejected(reason));
    // Otherwise node:cluster ends the process with code 0 as soon as the channel closes, and running work is lost.
    cluster.worker!.exitedAfterDisconnect = true;
    processEvents.onDisconnect(() => {
      this.departure.barrierPassed();
      // The worker is already leaving; its running work gets as much time as that of any worker without a primary.
      if (this.departure.hasBegun) return void this.clock.after(ORPHAN_TIMEOUT, () => this.departure.endNow());
      this.logger.warn('The primary is gone; this worker finishes what is in flight and leaves');
      void this.leave(ORPHAN_TIMEOUT, EXIT_UNFINISHED, this.idleGraceAtStop);
    });
  }

  private rejected(reason: unknown): void {
    const { onUnhandledRejection: decide } = this.verdicts;
    const isOverBroker = this.hosts !== undefined;
    if (this.lostCalls.take({ reason, isOverBroker, isReady: this.ready, isDecidedByUser: decide !== undefined }))
      return;
    this.failed(reason, decide);
  }

  /** Handles an uncaught error: the state of the worker can no longer be trusted, so it asks for its replacement. */
  private failed(error: unknown, decide: ((error: unknown) => boolean | void) | undefined): void {
    try {
      if (decide?.(error) === false) return;
    } catch (thrown) {
      this.logger.error('onUncaughtException or onUnhandledRejection threw itself', stackOf(thrown));
    }
    // The primary logs it, in the app's format: this process may end before a logger has written it.
    const report = { ...errorReport(error), text: inspected(error).slice(0, MAX_ERROR_TEXT) };
    const isSaid = this.control.send(
      this.ready ? { type: 'failing', error: report } : { type: 'boot-failed', error: report, fatal: false },
    );
    if (!isSaid) process.stderr.write(`${printable(report.text)}\n`);
    if (this.ready) return void this.leave(FAILING_TIMEOUT, EXIT_UNFINISHED, IDLE_GRACE);
    this.boot.failed();
    void this.exitOnceHeard();
  }

  /** Exits once the primary has handled everything that was sent before, or after HEARD_TIMEOUT. */
  private async exitOnceHeard(): Promise<void> {
    await Promise.race([this.departure.barrier(), sleep(this.clock, HEARD_TIMEOUT)]);
    process.exit(EXIT_UNFINISHED);
  }

  private get idleGraceAtStop(): number {
    return this.settings.restartsQuickly ? 0 : IDLE_GRACE_AT_STOP;
  }

  private leave(timeout: number, code: number, idleGrace: number): Promise<void> {
    this.programEnd.prevent();
    return this.departure.begin({ timeout, code, idleGrace });
  }

  private departing(): Departing {
    const { servers, serverHandles, control, microservices, lease, containers } = this;
    const runtime = this; // for the values that change later
    return {
      servers,
      get bus() {
        return runtime.bus;
      },
      get isReady() {
        return runtime.ready;
      },
      get isConnected() {
        return process.connected;
      },
      get exitCode() {
        return process.exitCode;
      },
      drainBacklog: () => serverHandles.drainBacklog(this.clock),
      resign: () => lease.resign(),
      send: (message) => control.send(message),
      passOn: (server, connection) => control.give({ type: 'pass-on', server }, connection),
      leaveMicroservices: (terms) => microservices.leave(terms),
      handlersDone: async () => this.connection?.dispatcher.idle(),
      closeApps: () =>
        containers.closeAll().catch((error: unknown) => {
          this.logger.error('A shutdown hook of the application failed', stackOf(error));
        }),
      runSignalListeners: () => this.runSignalListeners(),
      exit: (code) => process.exit(code),
    };
  }

  /** Calls the application's own listeners of the signal that ends the worker; one of them may end the process. */
  private async runSignalListeners(): Promise<void> {
    if (this.endSignal === undefined) return;
    await this.held?.run(this.endSignal).catch((error: unknown) => {
      this.logger.error(`A listener of ${this.endSignal} failed`, stackOf(error));
    });
  }
}

/** Writes compiled code to Node's cache (Node ≥ 22.10); Node itself does so only at a regular exit. */
function keepCompiledCode(): void {
  (module as { flushCompileCache?(): void }).flushCompileCache?.();
}

/** Whether another primary forked this process, such as PM2's: it cannot fork workers of its own. */
export function isForeignWorker(): boolean {
  return cluster.isWorker;
}
