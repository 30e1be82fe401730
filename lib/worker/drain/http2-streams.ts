import { subscribe } from 'node:diagnostics_channel';
import type {
  Http2ServerResponse,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2';
import { until, type Clock } from '../../platform/clock.js';
import { spread } from './spread.js';
import { CLOSE_SPREAD } from './upgraded-connections.js';

/**
 * HTTP/2's NO_ERROR, and the highest stream number: together they announce that the session will end, before streams
 * are refused (RFC 9113, 6.8).
 */
const NO_ERROR = 0;
const LAST_STREAM = 2 ** 31 - 1;

/** gRPC's status UNAVAILABLE: clients may try the call again, elsewhere. */
const UNAVAILABLE = { 'grpc-status': '14', 'grpc-message': 'The server is shutting down' };

/** How long the last frames of calls that were given up may take to be sent, in ms. */
const LAST_FRAMES_TIMEOUT = 200;

/** What is known of a stream that is open. */
interface OpenStream {
  readonly isGrpc: boolean;
  /** Set if the application answers through Node's HTTP/1-like objects. */
  response?: Http2ServerResponse;
}

/** The object that knows a session's streams, for streams that the server begins. */
const streamsOf = new WeakMap<ServerHttp2Session, Http2Streams>();
let isSubscribed = false;

/** Sessions of an HTTP/2 server, and their streams: requests, gRPC calls and pushes that are not finished. */
export class Http2Streams {
  private readonly sessions = new Set<ServerHttp2Session>();
  private readonly streams = new Map<ServerHttp2Stream, OpenStream>();
  private draining = false;

  constructor() {
    if (isSubscribed) return;
    isSubscribed = true;
    // Only this channel reports a stream that the server pushes. Node 20 does not have the channel, but lets pushes
    // finish.
    subscribe('http2.server.stream.created', (message) => {
      const { stream } = message as { stream: ServerHttp2Stream };
      if (stream.session) streamsOf.get(stream.session as ServerHttp2Session)?.add(stream, {});
    });
  }

  get size(): number {
    return this.streams.size;
  }

  opened(session: ServerHttp2Session): void {
    this.sessions.add(session);
    streamsOf.set(session, this);
    session.once('close', () => this.sessions.delete(session));
    if (this.draining) announceTheEnd(session);
  }

  /** A stream has begun, by the client or by the server. */
  add(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const isGrpc = String(headers['content-type'] ?? '').startsWith('application/grpc');
    const isKnown = this.streams.has(stream);
    this.streams.set(stream, { isGrpc });
    if (!isKnown) stream.once('close', () => this.streams.delete(stream));
  }

  /** Stops counting the stream: it is not a request, and something else ends it. */
  leave(stream: ServerHttp2Stream): void {
    this.streams.delete(stream);
  }

  /** The application answers the stream through this response. */
  answers(response: Http2ServerResponse): void {
    const open = this.streams.get(response.stream);
    if (open) open.response = response;
  }

  /** Tells clients to open no more streams; those that are open, or on their way, are answered. */
  announceTheEnd(): void {
    this.draining = true;
    for (const session of this.sessions) announceTheEnd(session);
  }

  /** Ends the sessions after their last stream. By now, every client has had time to read the announcement. */
  closeSessions(): void {
    for (const session of this.sessions) if (!session.closed) session.close();
  }

  /** Ends the event streams: an EventSource reconnects by itself when its stream ends, and would never end it. */
  async endEventStreams(clock: Clock): Promise<void> {
    const streams = [...this.streams].filter(([stream]) => isEventStream(stream));
    await spread(streams, CLOSE_SPREAD, clock, ([stream, { response }]) => (response ?? stream).end());
  }

  /** Answers the open gRPC calls with UNAVAILABLE, which tells clients more than a cut connection. */
  async giveUpCalls(clock: Clock): Promise<void> {
    const calls = [...this.streams].filter(([, { isGrpc }]) => isGrpc).map(([stream]) => stream);
    for (const stream of calls) endAsUnavailable(stream);
    await until(() => calls.every((stream) => !this.streams.has(stream)), clock, LAST_FRAMES_TIMEOUT);
  }

  destroySessions(): void {
    for (const session of this.sessions) session.destroy();
  }
}

function announceTheEnd(session: ServerHttp2Session): void {
  if (!session.closed && !session.destroyed) session.goaway(NO_ERROR, LAST_STREAM);
}

function endAsUnavailable(stream: ServerHttp2Stream): void {
  if (stream.closed || stream.destroyed || stream.writableEnded) return;
  // The handler does not know that, and may still write.
  stream.on('error', () => {});
  if (!stream.headersSent) {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto', ...UNAVAILABLE }, { endStream: true });
    return;
  }
  stream.once('wantTrailers', () => {
    if (!stream.sentTrailers) stream.sendTrailers(UNAVAILABLE);
  });
  stream.end();
}

function isEventStream(stream: ServerHttp2Stream): boolean {
  if (!stream.headersSent || stream.writableEnded) return false;
  return contentType(stream.sentHeaders).startsWith('text/event-stream');
}

/** The content type. Node keeps the names of headers as the application wrote them. */
function contentType(headers: OutgoingHttpHeaders | undefined): string {
  const [, value] = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'content-type') ?? [];
  return String(value ?? '');
}
