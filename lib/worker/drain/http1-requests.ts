import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../platform/clock.js';
import { spread } from './spread.js';
import { CLOSE_SPREAD } from './upgraded-connections.js';

/** The diagnostics channel on which Node reports each request whose header was read (Node 20 to 26). */
const CHANNEL = 'http.server.request.start';

interface RequestStart {
  readonly response: ServerResponse;
  readonly socket: Socket;
}

/**
 * The HTTP/1.1 requests of this process that are not answered yet, on any server: Node reports them on a diagnostics
 * channel. So the requests of a server that never listens, and gets its connections from another one, count as well.
 */
export class Http1Requests {
  private readonly responses = new Set<ServerResponse>();
  /** The same responses, by the connection on which they will be sent. */
  private readonly bySocket = new WeakMap<Socket, Set<ServerResponse>>();
  private draining = false;

  /** @param onRequest called for each request that begins */
  constructor(private readonly onRequest: () => void) {}

  /** Counts from now on, until the returned function is called. */
  install(): () => void {
    const began = (message: unknown): void => this.began(message as RequestStart);
    subscribe(CHANNEL, began);
    return () => void unsubscribe(CHANNEL, began);
  }

  get size(): number {
    return this.responses.size;
  }

  /** Asks the clients to leave after their responses. */
  askToLeave(): void {
    this.draining = true;
    for (const response of this.responses) askToLeave(response);
  }

  /** Ends the event streams: an EventSource reconnects by itself when its stream ends, and would never end it. */
  async endEventStreams(clock: Clock): Promise<void> {
    await spread([...this.responses].filter(isEventStream), CLOSE_SPREAD, clock, endForGood);
  }

  private began({ response, socket }: RequestStart): void {
    this.onRequest();
    this.responses.add(response);
    const ofSocket = this.responsesOf(socket);
    ofSocket.add(response);
    if (this.draining) askToLeave(response);
    response.once('close', () => {
      ofSocket.delete(response);
      this.responses.delete(response);
    });
  }

  /**
   * The responses of a connection. When the connection is lost, all of them are over. Node 20 reports that only for the
   * one that was being sent, and not for those of pipelined requests behind it.
   */
  private responsesOf(socket: Socket): Set<ServerResponse> {
    const known = this.bySocket.get(socket);
    if (known !== undefined) return known;
    const responses = new Set<ServerResponse>();
    this.bySocket.set(socket, responses);
    socket.once('close', () => {
      for (const response of responses) this.responses.delete(response);
      responses.clear();
    });
    return responses;
  }
}

/** Asks the client to send no further request over this connection. */
function askToLeave(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}

/**
 * Ends the stream and its connection. The header said keep-alive, before or in spite of the drain: if the connection
 * stayed open, the client's next request for the stream would come back to this process.
 */
function endForGood(stream: ServerResponse): void {
  const { socket } = stream;
  stream.end(() => socket?.end());
}

function isEventStream(response: ServerResponse): boolean {
  // Headers given to writeHead() are kept as text only, in Node's `_header`.
  const text = (response as { _header?: string | null })._header;
  const header = response.getHeader('content-type') ?? /^content-type: *([^\r\n]*)/im.exec(text ?? '')?.[1] ?? '';
  return response.headersSent && !response.writableEnded && String(header).startsWith('text/event-stream');
}
