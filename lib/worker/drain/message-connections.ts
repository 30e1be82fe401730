import net from 'node:net';
import { TLSSocket } from 'node:tls';
import { type Clock, sleep, until } from '../../platform/clock.js';
import { Flights } from './flights.js';

/**
 * How long a connection is held back at first while a message is in flight on it, in ms. Each further try doubles it.
 */
const FIRST_PATIENCE = 50;

/** Interval at which a connection is checked in the absence of an event, in ms. */
const LOOK_INTERVAL = 5;

/** A connection that must be ended although its client may still send is ended in a pause of this length, in ms. */
const PAUSE = 20;

/** How long to wait for such a pause, in ms; after that, any moment without a message in flight is enough. */
const PAUSE_TIMEOUT = 1_000;

/** How long a client has to end its side of a connection that we ended, in ms. */
const END_TIMEOUT = 1_000;

/**
 * The members that are used of the socket class of Nest's TCP transport; a class of the application may lack `buffer`.
 */
interface MessageSocket {
  /** The part of the next message that was already read. */
  readonly buffer?: unknown;
  readonly contentLength?: unknown;
}

/** Nest's ServerTCP (11 and 12), or a strategy that extends it. */
export interface TcpServer {
  readonly server: net.Server;
  getSocketInstance(socket: net.Socket): MessageSocket;
  isManuallyTerminated?: boolean;
}

/** The handle of a socket of node:net. */
export interface ConnectionHandle {
  reading?: boolean;
  readStop?(): number;
  readStart?(): number;
}

/** Gives a connection to another worker; false if that is impossible. Resolves when the handle may be closed here. */
export type PassOn = (server: string, connection: ConnectionHandle) => Promise<boolean>;

/** How connections should be given up. */
export interface LeavingTerms {
  readonly clock: Clock;
  /** Aborts when there is no time left. */
  readonly deadline: AbortSignal;
  /** Undefined if the whole cluster stops. */
  readonly passOn: PassOn | undefined;
}

/** Whether `server` is a TCP server of Nest's kind. */
export function isTcpServer(server: object): server is TcpServer {
  const { server: inner, getSocketInstance } = server as Partial<TcpServer>;
  return inner instanceof net.Server && typeof getSocketInstance === 'function';
}

/**
 * The connections of a TCP microservice server. Nest's clients keep one connection for all their messages and may send
 * the next message at any time; if the connection is ended at that moment, the message fails with "Connection closed".
 * Between two messages, this process holds no data of a connection, so another worker can take it as it is, and its
 * client notices nothing.
 */
export class MessageConnections {
  private readonly connections = new Map<unknown, Connection>();
  private readonly leaving = new Set<Promise<void>>();
  private terms: LeavingTerms | undefined;
  private name = '';

  constructor(
    private readonly owner: TcpServer,
    private readonly flights: Flights,
  ) {
    const { server, getSocketInstance } = owner;
    owner.getSocketInstance = (socket) => {
      const messages = getSocketInstance.call(owner, socket);
      this.opened(socket, messages);
      return messages;
    };
    server.on('listening', () => (this.name = nameOf(server)));
  }

  /** The messages of one connection, found by Nest's socket object of it. */
  flightsOf(messages: unknown): Flights {
    return this.connections.get(messages)?.flights ?? this.flights;
  }

  /** Gives up the connections, each between two messages. Resolves when none is left. */
  async leave(terms: LeavingTerms): Promise<void> {
    this.terms = terms;
    // Otherwise Nest would listen again as soon as the last connection is gone, if it was given `retryAttempts`.
    if (this.owner.isManuallyTerminated === false) this.owner.isManuallyTerminated = true;
    for (const connection of this.connections.values()) this.begin(connection, terms);
    while (this.leaving.size > 0) await Promise.all(this.leaving);
  }

  /** Takes a connection that another worker had; false if this server has another address or is leaving itself. */
  take(name: string, connection: ConnectionHandle): boolean {
    // Node's handle of the server, or its replacement in a worker of a cluster; net.Server accepts clients through it.
    const { _handle: handle } = this.owner.server as unknown as {
      _handle?: { onconnection(error: number, client: ConnectionHandle): void } | null;
    };
    if (name !== this.name || this.terms || !handle) return false;
    handle.onconnection(0, connection);
    return true;
  }

  private opened(socket: net.Socket, messages: MessageSocket): void {
    const connection = new Connection(socket, messages, new Flights(this.flights));
    this.connections.set(messages, connection);
    socket.once('close', () => this.connections.delete(messages));
    if (this.terms) this.begin(connection, this.terms);
  }

  private begin(connection: Connection, terms: LeavingTerms): void {
    const left = leave(connection, this.name, terms).then(() => void this.leaving.delete(left));
    this.leaving.add(left);
  }
}

/**
 * Gives up a connection. Its client gets no answer from this worker afterwards, so no answer may be pending or half
 * sent.
 */
async function leave(connection: Connection, server: string, terms: LeavingTerms): Promise<void> {
  const { clock, deadline, passOn } = terms;
  const isOver = (): boolean => !connection.isOpen || deadline.aborted;
  const untilOver = async (condition: () => boolean, timeout = Infinity): Promise<void> => {
    await until(() => condition() || isOver(), clock, timeout);
  };
  if (passOn && !connection.isMovable) {
    await pauseOf(connection, terms);
    return connection.end(clock);
  }
  for (let patience = passOn ? FIRST_PATIENCE : Infinity; ; patience *= 2) {
    await untilOver(() => connection.isBetweenFrames);
    connection.holdBack();
    await untilOver(() => connection.isQuiet, patience);
    if (isOver()) return;
    if (connection.isQuiet) break;
    // A message takes longer, and the client's other messages must not wait for it.
    const earlier = [...connection.flights.flying];
    connection.goOn();
    await untilOver(() => earlier.every((flight) => !connection.flights.flying.has(flight)));
  }
  if (!(await passOn?.(server, connection.handle))) return connection.end(clock);
  connection.close();
}

/**
 * Waits for a pause. A client that sends at the moment when the connection ends loses its message; the longer it was
 * silent, the less likely that is.
 */
async function pauseOf(connection: Connection, { clock, deadline }: LeavingTerms): Promise<void> {
  const end = clock.now() + PAUSE_TIMEOUT;
  for (let quietFrom = clock.now(); connection.isOpen && !deadline.aborted; await sleep(clock, LOOK_INTERVAL)) {
    const now = clock.now();
    if (!connection.isQuiet) quietFrom = now;
    else if (now - quietFrom >= PAUSE || now >= end) return;
  }
}

class Connection {
  constructor(
    private readonly socket: net.Socket,
    private readonly messages: MessageSocket,
    readonly flights: Flights,
  ) {}

  get isOpen(): boolean {
    return !this.socket.destroyed && !this.socket.readableEnded && !this.socket.writableEnded;
  }

  get handle(): ConnectionHandle {
    return (this.socket as unknown as { _handle: ConnectionHandle })._handle;
  }

  /**
   * Whether another process can take it: only this process has the keys of a TLS connection, and a foreign class cannot
   * be inspected.
   */
  get isMovable(): boolean {
    return !(this.socket instanceof TLSSocket) && typeof this.messages.buffer === 'string';
  }

  get isBetweenFrames(): boolean {
    const { buffer, contentLength } = this.messages;
    return typeof buffer !== 'string' || (buffer === '' && contentLength === null && this.socket.readableLength === 0);
  }

  /** Whether no message is in flight or half read, and the kernel has every reply. */
  get isQuiet(): boolean {
    return this.flights.count === 0 && this.socket.writableLength === 0 && this.isBetweenFrames;
  }

  /** Stops reading: what arrives now waits in the kernel. socket.pause() would read on, up to its buffer's size. */
  holdBack(): void {
    const { handle } = this;
    if (!handle?.readStop) return;
    handle.reading = false;
    handle.readStop();
  }

  goOn(): void {
    const { handle } = this;
    if (!handle?.readStart) return;
    handle.reading = true;
    handle.readStart();
  }

  /** Closes it here; another process has it. */
  close(): void {
    this.socket.destroy();
  }

  /** Ends it after the last reply; what the client sends from now on is not answered. */
  async end(clock: Clock): Promise<void> {
    const { socket } = this;
    if (socket.destroyed) return;
    // Data that is left unread would reset the connection, and the reply before it might be lost.
    socket.removeAllListeners('data');
    socket.on('data', () => {});
    this.goOn();
    socket.end();
    await until(() => socket.destroyed, clock, END_TIMEOUT);
    socket.destroy();
  }
}

/** The name of the server, which is the same in every worker whose server listens on this address. */
function nameOf(server: net.Server): string {
  const address = server.address();
  return typeof address === 'object' && address ? `${address.address}:${address.port}` : String(address);
}
