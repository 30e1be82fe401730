import { errorMonitor, type EventEmitter } from 'node:events';
import net from 'node:net';
import type { Clock } from '../platform/clock.js';
import { WatchedServer } from './watched-server.js';

/**
 * Knows every server of this process that was asked to listen, and every HTTP request in flight. It
 * watches `net.Server.prototype.listen`, which HTTP, HTTPS and HTTP/2 servers of all frameworks go through.
 */
export class ServerRegistry {
  /** Those that listen, are about to, or have connections left. */
  private readonly servers = new Set<WatchedServer>();
  private readonly known = new WeakMap<net.Server, WatchedServer>();
  /** Asked to listen, and neither listening nor refused yet. */
  private readonly awaited = new Set<net.Server>();
  private began = 0;
  private closed = false;

  /** @param onChange called when a server listens, is asked to listen, or was refused */
  constructor(private readonly onChange: () => void = () => undefined) {}

  /** Watches from now on. */
  install(): void {
    const registry = this;
    const listen = net.Server.prototype.listen as (...args: unknown[]) => net.Server;
    net.Server.prototype.listen = function (this: net.Server, ...args: unknown[]): net.Server {
      if (registry.closed) return this;
      registry.watch(this);
      return listen.apply(this, args);
    } as typeof net.Server.prototype.listen;
  }

  /** HTTP requests begun so far. */
  get requests(): number {
    return this.began;
  }

  /** HTTP requests whose response is not finished. */
  get inFlight(): number {
    let total = 0;
    for (const server of this.servers) total += server.inFlight;
    return total;
  }

  /** How many servers listen. */
  get listening(): number {
    let total = 0;
    for (const { isListening } of this.servers) if (isListening) total += 1;
    return total;
  }

  /** How many servers were asked to listen, and neither do nor were refused yet. */
  get awaiting(): number {
    return this.awaited.size;
  }

  /** Stops listening without touching a live connection, and asks HTTP clients to leave after their response. */
  stopListening(): void {
    for (const server of this.servers) server.stopListening();
  }

  /**
   * No server begins to listen from now on. For a worker that leaves before it is ready: its application may
   * still be on its way there, and clients let in then would be lost with the process.
   */
  keepClosed(): void {
    this.closed = true;
  }

  /** Ends what would never end by itself: WebSockets and event streams; spread over time. */
  async farewell(clock: Clock): Promise<void> {
    await Promise.all([...this.servers].map((server) => server.farewell(clock)));
  }

  /** Closes HTTP connections that wait between two requests; those just accepted are left alone. */
  closeIdle(): void {
    for (const server of this.servers) server.closeIdle();
  }

  /** Closes every HTTP connection, whatever it does. */
  closeAll(): void {
    for (const server of this.servers) server.closeAll();
  }

  /** Open connections of all servers. */
  connections(): Promise<number> {
    return sum([...this.servers].map((server) => server.connections()));
  }

  /** Open connections of all HTTP servers. */
  httpConnections(): Promise<number> {
    return sum([...this.servers].filter(({ isHttp }) => isHttp).map((server) => server.connections()));
  }

  private watch(server: net.Server): void {
    this.awaited.add(server);
    const known = this.known.get(server);
    this.servers.add(known ?? this.meet(server));
    this.onChange();
  }

  private meet(server: net.Server): WatchedServer {
    const watched = new WatchedServer(server, () => (this.began += 1));
    this.known.set(server, watched);
    const settle = (): void => {
      this.awaited.delete(server);
      this.onChange();
    };
    server.on('listening', settle);
    // Only looked at: a listener of 'error' would keep an error nobody handles from being thrown.
    (server as EventEmitter).on(errorMonitor, settle);
    // Only when its last connection has ended.
    server.on('close', () => {
      this.servers.delete(watched);
      settle();
    });
    return watched;
  }
}

async function sum(counts: Promise<number>[]): Promise<number> {
  return (await Promise.all(counts)).reduce((total, count) => total + count, 0);
}
