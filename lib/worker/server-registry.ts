import type { IncomingMessage, ServerResponse } from 'node:http';
import net from 'node:net';

/** The part of http.Server and https.Server a drain needs beyond net.Server. */
interface HttpServer extends net.Server {
  closeIdleConnections(): void;
  closeAllConnections(): void;
}

/**
 * Knows every server of this process that was asked to listen, and every HTTP request in flight. It
 * watches `net.Server.prototype.listen`, which HTTP, HTTPS and HTTP/2 servers of all frameworks go through.
 */
export class ServerRegistry {
  private readonly servers = new Set<net.Server>();
  private readonly watched = new WeakSet<net.Server>();
  private readonly httpServers = new Set<HttpServer>();
  private readonly responses = new Set<ServerResponse>();
  private readonly waiting = new Set<() => void>();
  private began = 0;
  private draining = false;

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
    return this.began;
  }

  /** HTTP requests whose response is not finished. */
  get inFlight(): number {
    return this.responses.size;
  }

  /** Whether the server was asked to listen and does. */
  isListening(server: net.Server): boolean {
    return this.servers.has(server) && server.listening;
  }

  /** Resolves when every server that was asked to listen does, and `required`, if given, is among them. */
  async listening(required: net.Server | undefined): Promise<void> {
    const settled = (): boolean =>
      [...this.servers].every((server) => server.listening) && (!required || this.isListening(required));
    while (!settled()) await this.changed();
  }

  /** Stops listening without touching a live connection, and asks HTTP clients to leave after their response. */
  stopListening(): void {
    this.draining = true;
    for (const response of this.responses) askToLeave(response);
    for (const server of this.servers) {
      // http.Server.close() would also reset connections that are between two requests.
      if (server.listening) net.Server.prototype.close.call(server);
    }
  }

  /** Closes HTTP connections that wait between two requests; those just accepted are left alone by Node. */
  closeIdle(): void {
    for (const server of this.httpServers) server.closeIdleConnections();
  }

  /** Closes every HTTP connection, whatever it does. */
  closeAll(): void {
    for (const server of this.httpServers) server.closeAllConnections();
  }

  /** Open connections of all HTTP servers. */
  async connections(): Promise<number> {
    let total = 0;
    for (const server of this.httpServers) {
      total += await new Promise<number>((resolve) =>
        server.getConnections((error, count) => resolve(error ? 0 : count)),
      );
    }
    return total;
  }

  private watch(server: net.Server): void {
    this.servers.add(server);
    if (this.watched.has(server)) return;
    this.watched.add(server);
    server.on('listening', () => this.notify());
    server.on('close', () => {
      this.servers.delete(server);
      this.notify();
    });
    if (!('closeIdleConnections' in server)) return;
    this.httpServers.add(server as HttpServer);
    server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
      this.began += 1;
      this.responses.add(response);
      if (this.draining) askToLeave(response);
      response.once('close', () => void this.responses.delete(response));
    });
  }

  private changed(): Promise<void> {
    return new Promise((resolve) => this.waiting.add(resolve));
  }

  private notify(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

/** HTTP/1.1: the client sends no further request over this connection. HTTP/2 has no such header. */
function askToLeave(response: ServerResponse): void {
  if (!response.headersSent && response.req.httpVersionMajor < 2) response.setHeader('Connection', 'close');
}
