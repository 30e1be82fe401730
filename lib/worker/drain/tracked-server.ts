import http, { type IncomingMessage } from 'node:http';
import type { Http2ServerResponse, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../platform/clock.js';
import { Http2Streams } from './http2-streams.js';
import { observeEvents } from '../observe-events.js';
import { UpgradedConnections } from './upgraded-connections.js';

/** The events of a server. */
export interface ServerObserver {
  /** A request has begun that does not use HTTP/1.1. */
  requested(): void;
  /** It listens now. */
  settled(): void;
  /** It has had an error, such as an address that is in use. */
  refused(error: Error): void;
  /** It does not listen any more, and its last connection has ended. */
  closed(): void;
}

/**
 * One server of the application, as far as a drain uses it. A plain TCP server is only stopped from listening. HTTP/1.1
 * requests are counted for the whole process (Http1Requests); everything else is seen in the server's events.
 */
export class TrackedServer {
  private readonly http2 = new Http2Streams();
  private readonly upgraded = new UpgradedConnections();
  readonly isHttp: boolean;
  private draining = false;

  constructor(
    private readonly server: net.Server & { closeIdleConnections?(): void },
    private readonly observer: ServerObserver,
  ) {
    this.isHttp = 'closeIdleConnections' in server || 'updateSettings' in server;
    observeEvents(server, (event, args) => this.emits(event, args));
  }

  /** HTTP/2 streams that are not finished, and connections that were upgraded. */
  get inFlight(): number {
    return this.http2.size + this.upgraded.size;
  }

  get isListening(): boolean {
    return this.server.listening;
  }

  stopListening(): void {
    this.draining = true;
    this.http2.announceTheEnd();
    this.close();
  }

  async closeLongLived(clock: Clock): Promise<void> {
    this.http2.closeSessions();
    await Promise.all([this.upgraded.closeAll(clock), this.http2.endEventStreams(clock)]);
  }

  giveUpCalls(clock: Clock): Promise<void> {
    return this.http2.giveUpCalls(clock);
  }

  /**
   * Closes idle connections a moment later: timers run before the event loop reads, and a request that has already
   * arrived makes its connection busy.
   */
  closeIdle(): void {
    setImmediate(() => this.server.closeIdleConnections?.());
  }

  closeAll(): void {
    // HTTP/2 servers that also speak HTTP/1.1 do not have this method themselves.
    if (this.isHttp) http.Server.prototype.closeAllConnections.call(this.server as http.Server);
    this.http2.destroySessions();
  }

  connections(): Promise<number> {
    return new Promise((resolve) => this.server.getConnections((error, count) => resolve(error ? 0 : count)));
  }

  /** Stops listening. http.Server.close() would also reset connections that are between two requests. */
  private close(): void {
    if (this.server.listening) net.Server.prototype.close.call(this.server);
  }

  private emits(event: string | symbol, args: readonly unknown[]): void {
    switch (event) {
      case 'listening':
        // It was asked to listen just before the drain: code that waits for that is called first.
        if (this.draining) setImmediate(() => this.close());
        return this.observer.settled();
      case 'error':
        return this.observer.refused(args[0] as Error);
      case 'close':
        return this.observer.closed();
      case 'session':
        return this.http2.opened(args[0] as ServerHttp2Session);
      case 'stream':
        return this.streamed(args[0] as ServerHttp2Stream, args[1] as IncomingHttpHeaders);
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        return this.http2.answers(args[1] as Http2ServerResponse);
      // Emitted if the application listens to it; otherwise Node serves such requests as ordinary ones, or refuses
      // them.
      case 'upgrade':
      case 'connect': {
        const { headers, httpVersionMajor } = args[0] as IncomingMessage;
        if (httpVersionMajor < 2) this.upgraded.add(args[1] as Duplex, headers.upgrade);
        return;
      }
    }
  }

  private streamed(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    // A WebSocket or a tunnel (RFC 8441, RFC 9113, 8.5).
    if (headers[':method'] === 'CONNECT') {
      this.http2.leave(stream);
      return this.upgraded.add(stream, headers[':protocol']);
    }
    this.observer.requested();
    this.http2.add(stream, headers);
  }
}
