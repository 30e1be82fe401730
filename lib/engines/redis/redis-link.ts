import type { Socket } from 'node:net';
import { setTimeout as elapsed } from 'node:timers/promises';
import type { Redis, RedisOptions as ClientOptions } from 'ioredis';
import { ClusterOptionsError } from '../../errors/errors.js';
import { answersPlainly, refusalOf, speaksTls } from '../../platform/at-the-door.js';
import { delayAfter } from '../../platform/backoff.js';
import { hostTime } from '../../platform/clock.js';
import { connectionReason } from '../../platform/connection-reason.js';
import { Secrets, withoutCredentials } from '../../platform/secrets.js';
import { isTlsRefusal } from '../../platform/tls-refusal.js';
import type { ResolvedRedisOptions } from './options.js';
import type { RedisPackages } from './packages.js';
import { type ScriptedRedis, withScripts } from './scripts.js';

/** A server from which nothing comes after so many pings, so many ms apart, is given up. */
const PING_INTERVAL = 700;
const PINGS_UNANSWERED = 3;

/** Between the beginnings of the first two tries to connect, and the longest time between those of two, in ms. */
const FIRST_DELAY = 50;
const LONGEST_DELAY = 500;
const LONGEST_AFTER_REFUSAL = 2_000;

/** How long a command may take to be answered, and a connection to be made, in ms. */
const COMMAND_TIMEOUT = 2_000;
const CONNECT_TIMEOUT = 2_000;

/** A frozen server does not say goodbye: so long it is waited for, in ms. */
const GOODBYE = 100;

/** A server that is there but cannot be used yet is looked at again after so many ms. */
const PREPARE_DELAY = 300;

/** Redis' words for: these credentials are not enough. */
const REFUSED = /^(NOAUTH|WRONGPASS|NOPERM|ERR (AUTH|Client sent AUTH|invalid password))/;

/** The client's words for: what answers there is no Redis. */
const NO_REDIS = /Protocol error, got |Unknown RESP type/;

/** Codes of the system for a connection that the server has closed, or did not answer by: the client cannot tell why. */
const BROKEN: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/** Redis' word to whoever is one too many. It may come as an answer, or be lost with the connection. */
const FULL = /max number of clients reached/;

/** One end of the connection speaks TLS, and the other does not: nothing but a change of options mends it. */
class TlsAtOneEnd extends Error {}

/** A connection, and for how many pings nothing has come by it. */
interface Line {
  readonly client: Redis;
  bytesRead: number;
  unanswered: number;
}

/** What is told of the link. None of these throws. */
export interface RedisLinkListener {
  /** Both connections are there: looks at the server, and subscribes anew. Where it rejects it is called again. */
  prepare(commands: ScriptedRedis, hearing: Redis): Promise<void>;
  up(): void;
  down(reason: string): void;
  onMessage(channel: string, message: Buffer): void;
  warn(message: string): void;
}

/**
 * Two connections to one server, for commands and for what is heard: usable while both are. A subscriber's connection
 * takes no other commands, and is not held up by them.
 */
export class RedisLink {
  isUp = false;
  /** Why there is no connection. */
  trouble: string | undefined;
  /** Whether the last try was refused for good. */
  private isRefused = false;
  private isAsking = false;
  readonly commands: ScriptedRedis;
  readonly hearing: Redis;
  private contact = 0;
  private lines: Line[] = [];
  private pinging: NodeJS.Timeout | undefined;
  private wasUp = false;
  private isClosed = false;
  private opened!: () => void;
  private failed!: (error: Error) => void;
  private readonly firstContact: Promise<void>;
  private readonly secrets: Secrets;

  constructor(
    private readonly packages: RedisPackages,
    private readonly options: ResolvedRedisOptions,
    /** How Redis lists the connections. */
    private readonly client: string,
    private readonly listener: RedisLinkListener,
  ) {
    this.firstContact = new Promise((resolve, reject) => {
      this.opened = resolve;
      this.failed = reject;
    });
    this.secrets = new Secrets([options.url, options.client, options.connection?.options]);
    this.commands = withScripts(this.dial());
    this.hearing = this.dial();
    this.hearing.on('messageBuffer', (channel: Buffer, message: Buffer) =>
      this.listener.onMessage(channel.toString(), message),
    );
  }

  /**
   * Resolves at the first contact.
   *
   * @throws ClusterOptionsError where the server refuses for good
   */
  async open(): Promise<void> {
    for (const client of [this.commands, this.hearing]) {
      // How it ends is heard by the events.
      client.connect().catch(() => undefined);
    }
    await this.firstContact;
  }

  /** Gives the connections up, and makes them anew. */
  renew(reason: string): void {
    if (this.isClosed) return;
    this.lost(reason);
    for (const client of [this.commands, this.hearing]) client.disconnect(true);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.isUp = false;
    clearInterval(this.pinging);
    for (const client of [this.commands, this.hearing]) client.disconnect();
    this.opened();
  }

  /** Where the server is, without what is secret. */
  get address(): string {
    const { options } = this.commands;
    const { path, sentinels, host = '127.0.0.1', port = 6379 } = options;
    const place = path ?? (sentinels ? `the primary '${options.name ?? ''}' of Sentinel` : `${host}:${port}`);
    return withoutCredentials(place);
  }

  private dial(): Redis {
    const { ioredis } = this.packages;
    // ioredis 5.0 to 5.2 have no named export of it.
    const Redis = ioredis.Redis ?? ioredis.default;
    let beganAt = -Infinity;
    const fixed: ClientOptions = {
      enableOfflineQueue: false,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      // What was sent when the connection broke fails at once.
      maxRetriesPerRequest: 0,
      lazyConnect: true,
      // That of a client that was handed in: the engine has names of its own, and BullMQ takes none.
      keyPrefix: '',
      enableAutoPipelining: false,
      // Where packets are dropped a try takes its whole time: to wait after it would only be to notice later that they are not.
      retryStrategy: (times) => {
        const longest = this.isRefused ? LONGEST_AFTER_REFUSAL : LONGEST_DELAY;
        return Math.max(0, beganAt + delayAfter(times, FIRST_DELAY, longest) - hostTime());
      },
    };
    const preset: ClientOptions = {
      commandTimeout: COMMAND_TIMEOUT,
      connectTimeout: CONNECT_TIMEOUT,
      disconnectTimeout: GOODBYE,
      connectionName: this.client.replaceAll(/\s+/g, '-'),
      // A primary that became a replica: Sentinel knows the new one.
      reconnectOnError: ({ message }) => message.startsWith('READONLY'),
    };
    const { url, connection, client } = this.options;
    const dialled = this.made(
      () =>
        connection?.duplicate({ ...preset, ...fixed }) ??
        (url === undefined
          ? new Redis({ ...preset, ...client, ...fixed })
          : new Redis(url, { ...preset, ...client, ...fixed })),
    );
    listenToEveryError(dialled);
    dialled.on('connecting', () => (beganAt = hostTime()));
    dialled.on('ready', () => void this.ready());
    dialled.on('close', () => this.lost('it was closed'));
    dialled.on('error', (error: Error & { readonly code?: unknown }) => {
      if (BROKEN.has(error.code)) void this.askForRefusal(error);
      else this.erred(error);
    });
    return dialled;
  }

  /** An address that the client cannot read is a part of its error. */
  private made(make: () => Redis): Redis {
    try {
      return make();
    } catch (error) {
      const cause = this.secrets.hideIn(error);
      throw new ClusterOptionsError(`messenger.engine: redis() cannot make a client: ${cause.message}`, { cause });
    }
  }

  private async ready(): Promise<void> {
    const contact = (this.contact += 1);
    const isCurrent = () =>
      this.contact === contact && !this.isClosed && this.commands.status === 'ready' && this.hearing.status === 'ready';
    if (!isCurrent()) return;
    try {
      await this.listener.prepare(this.commands, this.hearing);
      if (isCurrent()) this.raise();
    } catch (error) {
      if (!isCurrent()) return;
      this.trouble = this.secrets.hide((error as Error).message);
      if (this.isRefusedBy(error as Error) && !this.wasUp) return;
      this.warn(`Redis is there, but cannot be used yet: ${this.trouble}`);
      await elapsed(PREPARE_DELAY, undefined, { ref: false });
      if (isCurrent()) this.renew('it cannot be used');
    }
  }

  private raise(): void {
    this.isUp = true;
    this.wasUp = true;
    this.isRefused = false;
    this.trouble = undefined;
    this.lines = [this.commands, this.hearing].map((client) => ({ client, bytesRead: -1, unanswered: 0 }));
    clearInterval(this.pinging);
    this.pinging = setInterval(() => this.ping(), PING_INTERVAL);
    this.pinging.unref();
    this.opened();
    this.listener.up();
  }

  private lost(reason: string): void {
    this.contact += 1;
    clearInterval(this.pinging);
    if (!this.isUp) return;
    this.isUp = false;
    this.listener.down(reason);
  }

  /**
   * Counts pings, not time: a process that was busy itself has sent none meanwhile. Whatever comes is a sign of life, for
   * the answer to a ping may have to wait in a long row.
   */
  private ping(): void {
    for (const line of this.lines) {
      const { bytesRead } = line.client.stream;
      line.unanswered = bytesRead === line.bytesRead ? line.unanswered + 1 : 0;
      line.bytesRead = bytesRead;
      if (line.unanswered > PINGS_UNANSWERED) return this.renew('it does not answer');
      // What fails is not answered.
      line.client.ping().catch(() => undefined);
    }
  }

  private erred(error: Error): void {
    this.trouble = this.secrets.hide(connectionReason(error));
    if (FULL.test(error.message)) this.warn(`Redis at ${this.address} takes no more connections: ${error.message}`);
    else this.isRefusedBy(error);
  }

  /** No connection comes about: the server takes no more, or only one end speaks TLS. */
  private async askForRefusal(error: Error): Promise<void> {
    const { path, sentinels, host = '127.0.0.1', port = 6379, tls } = this.commands.options;
    if (path !== undefined || sentinels) return this.erred(error);
    this.trouble ??= this.secrets.hide(connectionReason(error));
    if (this.isAsking) return;
    this.isAsking = true;
    const found = await (tls === undefined ? refusalOfPlain(host, port) : refusalOfTls(host, port));
    this.isAsking = false;
    if (!this.isUp && !this.isClosed) this.erred(found ?? error);
  }

  /** Whether the error means that Redis refuses for good: that ends the first contact, and later it is only said. */
  private isRefusedBy(error: Error): boolean {
    const refusal = error instanceof ClusterOptionsError ? error : this.refusalFor(error);
    this.isRefused = refusal !== undefined;
    if (refusal === undefined) return false;
    if (this.wasUp) this.warn(refusal.message);
    else this.failed(refusal);
    return true;
  }

  private refusalFor(error: Error): ClusterOptionsError | undefined {
    const isForGood = REFUSED.test(error.message) || NO_REDIS.test(error.message) || isTlsRefusal(error);
    if (!isForGood && !(error instanceof TlsAtOneEnd)) return undefined;
    // The client's error has the command with it, and in that the password.
    const cause = this.secrets.hideIn(error);
    return new ClusterOptionsError(
      `messenger.engine: Redis at ${this.address} refuses the connection: ${connectionReason(cause)}. Check url, username, password ` +
        `and tls of redis(), and what the ACL user may do.`,
      { cause },
    );
  }

  private warn(message: string): void {
    this.listener.warn(this.secrets.hide(message));
  }
}

/**
 * ioredis listens to the first error of each socket only. A TLS socket may report a second one, such as the alert that
 * answers its refusal of a certificate: nobody would hear it, and the process would end.
 */
function listenToEveryError(client: Redis): void {
  const { connector } = client as unknown as { readonly connector: Connector };
  const connect = connector.connect.bind(connector);
  connector.connect = async (...args) => {
    const socket = await connect(...args);
    return socket.on('error', () => {});
  };
}

/** The part of an ioredis client that opens its sockets. */
interface Connector {
  connect(...args: readonly unknown[]): Promise<Socket>;
}

/** Why a server ends a connection without TLS. */
async function refusalOfPlain(host: string, port: number): Promise<Error | undefined> {
  const said = await refusalOf(host, port);
  if (said !== undefined) return new Error(said);
  if (!(await speaksTls(host, port))) return undefined;
  return new TlsAtOneEnd('the server speaks TLS only, so name it as rediss://, or give tls');
}

/** Why no TLS comes about. */
async function refusalOfTls(host: string, port: number): Promise<Error | undefined> {
  if (!(await answersPlainly(host, port, 'PING\r\n'))) return undefined;
  return new TlsAtOneEnd('the server speaks no TLS, so name it as redis://, without tls');
}
