import net from 'node:net';
import type { Clock } from '../platform/clock.js';
import { WatchedServer } from './watched-server.js';

/**
 * Knows every server of this process that was asked to listen, and every HTTP request in flight. It
 * watches `net.Server.prototype.listen`, which HTTP, HTTPS and HTTP/2 servers of all frameworks go through.
 */
export class ServerRegistry {
  private readonly servers = new Map<net.Server, WatchedServer>();
  private readonly waiting = new Set<() => void>();

  /** Watches from now on. */
  install(): void {
    const registry = this;
    const listen = net.Server.prototype.listen as (...args: unknown[]) => net.Server;
    net.Server.prototype.listen = function (this: net.Server, ...args: unknown[]): net.Server {
      registry.watch(this);
      return listen.apply(this, args);
    } as typeof net.Server.prototype.listen;
  }

  /** HTTP requests begun so far. */
  get requests(): number {
    return this.sum((server) => server.requests);
  }

  /** HTTP requests whose response is not finished. */
  get inFlight(): number {
    return this.sum((server) => server.inFlight);
  }

  /** Resolves when every server that was asked to listen does, and `required`, if given, is among them. */
  async listening(required: net.Server | undefined): Promise<void> {
    const settled = (): boolean =>
      [...this.servers.keys()].every((server) => server.listening) && (!required || required.listening);
    while (!settled()) await new Promise<void>((resolve) => this.waiting.add(resolve));
  }

  /** Stops listening without touching a live connection, and asks HTTP clients to leave after their response. */
  stopListening(): void {
    for (const server of this.servers.values()) server.stopListening();
  }

  /** Ends what would never end by itself: WebSockets and event streams; spread over time. */
  async farewell(clock: Clock): Promise<void> {
    await Promise.all([...this.servers.values()].map((server) => server.farewell(clock)));
  }

  /** Closes HTTP connections that wait between two requests; those just accepted are left alone. */
  closeIdle(): void {
    for (const server of this.servers.values()) server.closeIdle();
  }

  /** Closes every HTTP connection, whatever it does. */
  closeAll(): void {
    for (const server of this.servers.values()) server.closeAll();
  }

  /** Open connections of all HTTP servers. */
  async connections(): Promise<number> {
    const counts = await Promise.all([...this.servers.values()].map((server) => server.connections()));
    return counts.reduce((total, count) => total + count, 0);
  }

  private watch(server: net.Server): void {
    if (this.servers.has(server)) return;
    this.servers.set(server, new WatchedServer(server));
    server.on('listening', () => this.notify());
    server.on('close', () => this.notify());
    server.on('error', () => this.notify());
  }

  private notify(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const resolve of waiting) resolve();
  }

  private sum(count: (server: WatchedServer) => number): number {
    let total = 0;
    for (const server of this.servers.values()) total += count(server);
    return total;
  }
}
