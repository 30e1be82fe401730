import type { Clock, Timer } from '../platform/clock.js';
import { readiness } from './readiness.js';

/** How long after its boot a worker that is still not ready logs what it waits for, in ms. */
const SILENT_WAIT = 5_000;

/** What a worker's readiness depends on. */
export interface BootSubject {
  /** Whether an open application has run its bootstrap hooks, and whether one of those speaks HTTP. */
  readonly hasBooted: boolean;
  readonly isHttp: boolean;
  /** Whether an HTTP application that has not booted runs a microservice. */
  readonly isHybrid: boolean;
  readonly servers: {
    /** How many servers listen. */
    readonly listening: number;
    /** How many servers were asked to listen and have neither succeeded nor failed yet. */
    readonly awaiting: number;
    /** Whether a microservice failed to listen, and none is open. */
    readonly isRefused: boolean;
  };
}

/** The callbacks that report this worker's boot. */
export interface BootReport {
  /** No server listens, and one has failed to: this process may end if nothing else is left to do. */
  refused(): void;
  /** Called once, with the number of servers that listen. */
  ready(servers: number): void;
  /** The worker is already ready, and listens with more servers than it has reported. */
  listens(servers: number): void;
  warn(message: string): void;
}

/** Watches this worker's boot and reports once that it is ready. */
export class BootWatch {
  private changedAt = 0;
  private listenCalls = 0;
  private isRefused = false;
  /** The number of servers that it has reported; undefined until it is ready. */
  private said: number | undefined;
  private hasFailed = false;
  private timer: Timer | undefined;
  private waitsSince: number | undefined;

  /** @param serversBefore how many servers the worker before it listens with; undefined if there was none */
  constructor(
    private readonly clock: Clock,
    private readonly subject: BootSubject,
    private readonly serversBefore: number | undefined,
    private readonly report: BootReport,
  ) {}

  /** An application's own code has asked it to boot or to listen. */
  askedToListen(listening: Promise<unknown>): void {
    this.listenCalls += 1;
    const settled = (isRefused: boolean): void => {
      this.listenCalls -= 1;
      this.isRefused = isRefused;
      this.changed();
    };
    listening.then(
      () => settled(false),
      () => settled(true),
    );
  }

  /** The boot has failed: from now on, the worker is never reported as ready. */
  failed(): void {
    this.hasFailed = true;
    this.timer?.cancel();
  }

  /** An application has booted, or a server was asked to listen, listens or has failed to. */
  changed(): void {
    if (this.hasFailed) return;
    if (this.said !== undefined) return this.heardOfServer(this.said);
    this.changedAt = this.clock.now();
    // A microservice is asked to listen right after its hooks, in the same turn of the event loop.
    this.timer?.cancel();
    this.timer = this.clock.after(0, () => this.look());
  }

  /** A server listens after the worker was ready: the next worker of this slot must listen with it, too. */
  private heardOfServer(said: number): void {
    const { listening } = this.subject.servers;
    if (listening <= said) return;
    this.said = listening;
    this.report.listens(listening);
  }

  private look(): void {
    const { servers, hasBooted, isHttp, isHybrid } = this.subject;
    const isRefused = (this.isRefused || servers.isRefused) && servers.listening === 0;
    const isAwaited = this.listenCalls > 0 || servers.awaiting > 0;
    if (isRefused && !isAwaited) this.report.refused();
    const isListenPending = isAwaited || isRefused;
    const { changedAt, serversBefore } = this;
    const now = this.clock.now();
    const state = {
      hasBooted,
      isHttp,
      isHybrid,
      isListenPending,
      servers: servers.listening,
      serversBefore,
      changedAt,
    };
    const found = readiness(state, now);
    if (found.isReady) {
      this.said = servers.listening;
      this.report.ready(servers.listening);
      return;
    }
    this.waitsSince ??= hasBooted ? now : undefined;
    const warnAt = this.waitsSince === undefined ? Infinity : this.waitsSince + SILENT_WAIT;
    if (now >= warnAt) {
      this.report.warn(`This worker is not ready yet: ${found.reason}`);
      this.waitsSince = Infinity;
    }
    const next = Math.min(found.at, warnAt > now ? warnAt : Infinity);
    if (next !== Infinity) this.timer = this.clock.after(next - now, () => this.look());
  }
}
