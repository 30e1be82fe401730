import net from 'node:net';
import type { Clock } from '../../platform/clock.js';
import { Http1Requests } from './http1-requests.js';
import { TrackedServer } from './tracked-server.js';

/**
 * Knows every server of this process that was asked to listen, and every HTTP request in flight. It
 * watches `net.Server.prototype.listen`, which HTTP, HTTPS and HTTP/2 servers of all frameworks go through.
 */
export class ServerRegistry {
  /** The servers that listen, are about to listen, or have connections left. */
  private readonly servers = new Set<TrackedServer>();
  private readonly known = new WeakMap<net.Server, TrackedServer>();
  /** The servers that were asked to listen and have neither succeeded nor failed yet. */
  private readonly awaited = new Set<net.Server>();
  private readonly http1 = new Http1Requests(() => (this.began += 1));
  private began = 0;
  private closed = false;

  /** @param onChange called when a server listens, is asked to listen, or has failed to */
  constructor(
    private readonly onChange: () => void = () => undefined,
    /** Ports on which main.ts listens in the primary, so that no worker can. */
    private readonly primaryPorts: readonly number[] = [],
  ) {}

  /** Watches every server that is asked to listen from now on, until the returned function is called. */
  install(): () => void {
    const uninstall = this.http1.install();
    const registry = this;
    const listen = net.Server.prototype.listen as (...args: unknown[]) => net.Server;
    net.Server.prototype.listen = function (this: net.Server, ...args: unknown[]): net.Server {
      if (registry.closed) return this;
      const isNew = registry.watch(this);
      try {
        return listen.apply(this, args);
      } catch (error) {
        // The call has failed, and no event will follow: the port is not a number, or the server already listens.
        if (isNew) registry.settle(this);
        throw error;
      }
    } as typeof net.Server.prototype.listen;
    return () => {
      uninstall();
      net.Server.prototype.listen = listen as typeof net.Server.prototype.listen;
    };
  }

  /** HTTP requests that have begun so far. */
  get requests(): number {
    return this.began;
  }

  /** HTTP requests whose response is not finished. */
  get inFlight(): number {
    let total = this.http1.size;
    for (const server of this.servers) total += server.inFlight;
    return total;
  }

  /** How many servers listen. */
  get listening(): number {
    let total = 0;
    for (const { isListening } of this.servers) if (isListening) total += 1;
    return total;
  }

  /** How many servers were asked to listen and have neither succeeded nor failed yet. */
  get awaiting(): number {
    return this.awaited.size;
  }

  /** Stops listening without touching a live connection, and asks HTTP clients to leave after their response. */
  stopListening(): void {
    this.http1.askToLeave();
    for (const server of this.servers) server.stopListening();
  }

  /**
   * From now on, no server begins to listen. This is for a worker that leaves before it is ready: its application may
   * still be about to listen, and clients that it accepted then would be lost with the process.
   */
  keepClosed(): void {
    this.closed = true;
  }

  /** Ends the connections that would never end by themselves, WebSockets and event streams, spread over time. */
  async closeLongLived(clock: Clock): Promise<void> {
    await Promise.all([this.http1.endEventStreams(clock), ...this.each((server) => server.closeLongLived(clock))]);
  }

  /** Ends the requests in flight whose protocol has an answer for that: gRPC calls get UNAVAILABLE. */
  async giveUp(clock: Clock): Promise<void> {
    await Promise.all(this.each((server) => server.giveUpCalls(clock)));
  }

  /** Closes HTTP connections that wait between two requests; connections that were just accepted stay open. */
  closeIdle(): void {
    for (const server of this.servers) server.closeIdle();
  }

  /** Closes every HTTP connection, whatever its state. */
  closeAll(): void {
    for (const server of this.servers) server.closeAll();
  }

  /** Open connections of all servers. */
  connections(): Promise<number> {
    return sum(this.each((server) => server.connections()));
  }

  /** Open connections of all HTTP servers. */
  httpConnections(): Promise<number> {
    return sum([...this.servers].filter(({ isHttp }) => isHttp).map((server) => server.connections()));
  }

  /** Adds a server that is asked to listen. Returns false if it was already waited for. */
  private watch(server: net.Server): boolean {
    const isNew = !this.awaited.has(server);
    this.awaited.add(server);
    this.servers.add(this.known.get(server) ?? this.meet(server));
    this.onChange();
    return isNew;
  }

  private meet(server: net.Server): TrackedServer {
    const watched = new TrackedServer(server, {
      requested: () => void (this.began += 1),
      settled: () => this.settle(server),
      refused: (error) => this.refused(server, error),
      closed: () => {
        this.servers.delete(watched);
        this.settle(server);
      },
    });
    this.known.set(server, watched);
    return watched;
  }

  private refused(server: net.Server, error: NodeJS.ErrnoException & { port?: number }): void {
    if (error.code === 'EADDRINUSE' && this.primaryPorts.includes(error.port ?? -1)) nameThePrimary(error);
    this.settle(server);
  }

  private settle(server: net.Server): void {
    this.awaited.delete(server);
    this.onChange();
  }

  private each<T>(of: (server: TrackedServer) => T): T[] {
    return [...this.servers].map(of);
  }
}

/** Adds to the error's message that the primary uses the port, and what to do. */
function nameThePrimary(error: Error): void {
  const { message, stack } = error;
  error.message =
    `${message}. The primary itself listens there: it runs main.ts up to NestFactory.create(). ` +
    `Open this server below NestFactory.create(), which only workers get past.`;
  if (stack !== undefined) error.stack = stack.replace(message, () => error.message);
}

async function sum(counts: Promise<number>[]): Promise<number> {
  return (await Promise.all(counts)).reduce((total, count) => total + count, 0);
}
