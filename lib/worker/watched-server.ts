import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { elapsed, type Clock } from '../platform/clock.js';
import { FAREWELL_SPREAD, UpgradedConnections } from './upgraded-connections.js';

/** HTTP/2's NO_ERROR, and the highest stream number: "no more soon" before "no more now" (RFC 9113, 6.8). */
const NO_ERROR = 0;
const LAST_STREAM = 2 ** 31 - 1;

/** What http.Server and https.Server have beyond net.Server. */
interface HttpConnections {
  closeIdleConnections?(): void;
  closeAllConnections?(): void;
}

/** One server of the application as a drain sees it. A plain TCP server is only stopped from listening. */
export class WatchedServer {
  private readonly responses = new Set<ServerResponse>();
  private readonly sessions = new Set<ServerHttp2Session>();
  private readonly upgraded = new UpgradedConnections();
  readonly isHttp: boolean;
  private draining = false;

  /** @param onRequest told of each request that begins */
  constructor(
    private readonly server: net.Server & HttpConnections,
    private readonly onRequest: () => void,
  ) {
    this.isHttp = 'closeIdleConnections' in server || 'updateSettings' in server;
    if (!this.isHttp) return;
    server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) =>
      this.requested(response),
    );
    server.on('session', (session: ServerHttp2Session) => this.opened(session));
    this.watchUpgrades();
  }

  /** Requests whose response is not finished, and connections that were upgraded. */
  get inFlight(): number {
    return this.responses.size + this.upgraded.size;
  }

  get isListening(): boolean {
    return this.server.listening;
  }

  stopListening(): void {
    this.draining = true;
    for (const response of this.responses) askToLeave(response);
    for (const session of this.sessions) announceTheEnd(session);
    if (this.server.listening) return this.close();
    // Asked to listen a moment ago: whoever waits for that hears of it first.
    this.server.once('listening', () => setImmediate(() => this.close()));
  }

  async farewell(clock: Clock): Promise<void> {
    // By now every client has had time to hear the announcement; streams that are open may finish.
    for (const session of this.sessions) if (!session.closed) session.close();
    await Promise.all([this.upgraded.farewell(clock), this.endEventStreams(clock)]);
  }

  closeIdle(): void {
    this.server.closeIdleConnections?.();
  }

  closeAll(): void {
    this.server.closeAllConnections?.();
    for (const session of this.sessions) session.destroy();
  }

  connections(): Promise<number> {
    return new Promise((resolve) => this.server.getConnections((error, count) => resolve(error ? 0 : count)));
  }

  /** http.Server.close() would also reset connections that are between two requests. */
  private close(): void {
    if (this.server.listening) net.Server.prototype.close.call(this.server);
  }

  private requested(response: ServerResponse): void {
    this.onRequest();
    this.responses.add(response);
    if (this.draining) askToLeave(response);
    response.once('close', () => void this.responses.delete(response));
  }

  private opened(session: ServerHttp2Session): void {
    this.sessions.add(session);
    session.once('close', () => this.sessions.delete(session));
    if (this.draining) announceTheEnd(session);
  }

  /** An 'upgrade' listener of ours alone would keep Node from serving such requests as ordinary ones. */
  private watchUpgrades(): void {
    const watch = (): void => {
      this.server.off('newListener', onListener);
      this.server.prependListener('upgrade', (request: IncomingMessage, socket: Duplex) =>
        this.upgraded.add(socket, request.headers.upgrade),
      );
    };
    const onListener = (event: string): void => {
      if (event === 'upgrade') watch();
    };
    if (this.server.listenerCount('upgrade') > 0) watch();
    else this.server.on('newListener', onListener);
  }

  /** An EventSource reconnects by itself when its stream ends, and would never end it. */
  private async endEventStreams(clock: Clock): Promise<void> {
    const streams = [...this.responses].filter(isEventStream);
    for (const stream of streams) {
      endForGood(stream);
      if (streams.length > 1) await elapsed(clock, FAREWELL_SPREAD / streams.length);
    }
  }
}

/** HTTP/1.1: the client sends no further request over this connection. HTTP/2 has no such header. */
function askToLeave(response: ServerResponse): void {
  if (!response.headersSent && response.req.httpVersionMajor < 2) response.setHeader('Connection', 'close');
}

function announceTheEnd(session: ServerHttp2Session): void {
  if (!session.closed && !session.destroyed) session.goaway(NO_ERROR, LAST_STREAM);
}

/**
 * Its header said keep-alive, before or in spite of the drain: left open, the connection would carry the
 * client's next request for the stream back to this process.
 */
function endForGood(stream: ServerResponse): void {
  const { socket } = stream;
  stream.end(() => {
    if (stream.req.httpVersionMajor < 2) socket?.end();
  });
}

function isEventStream(response: ServerResponse): boolean {
  // Headers given to writeHead() are kept as text only, in Node's `_header`.
  const text = (response as { _header?: string | null })._header;
  const header = response.getHeader('content-type') ?? /^content-type: *([^\r\n]*)/im.exec(text ?? '')?.[1] ?? '';
  return response.headersSent && !response.writableEnded && String(header).startsWith('text/event-stream');
}
