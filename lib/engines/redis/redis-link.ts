import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis, RedisOptions as ClientOptions } from 'ioredis';
import { ClusterOptionsError } from '../../errors/errors.js';
import { answersPlainly, refusalOf, speaksTls } from '../../platform/refusal-probe.js';
import { delayAfter } from '../../platform/backoff.js';
import { hostTime } from '../../platform/clock.js';
import { connectionReason } from '../../platform/connection-reason.js';
import { Secrets, withoutCredentials } from '../../platform/secrets.js';
import { isTlsRefusal } from '../../platform/tls-refusal.js';
import type { ResolvedRedisOptions } from './options.js';
import type { RedisPackages } from './packages.js';
import { type ScriptedRedis, withScripts } from './scripts.js';

/** A server that sends nothing while this many pings are sent, at this interval in ms, counts as lost. */
const PING_INTERVAL = 700;
const PINGS_UNANSWERED = 3;

/** Time between the starts of the first two attempts to connect, and the longest times between two, in ms. */
const FIRST_DELAY = 50;
const LONGEST_DELAY = 500;
const LONGEST_AFTER_REFUSAL = 2_000;

/** Timeout of a command, and of an attempt to connect, in ms. */
const COMMAND_TIMEOUT = 2_000;
const CONNECT_TIMEOUT = 2_000;

/** How long to wait for the server to close a connection, in ms; a frozen server never does. */
const GOODBYE = 100;

/** Delay before a reachable server that cannot be used yet is checked again, in ms. */
const PREPARE_DELAY = 300;

/** Redis' error texts for missing or insufficient credentials. */
const REFUSED = /^(NOAUTH|WRONGPASS|NOPERM|ERR (AUTH|Client sent AUTH|invalid password))/;

/** The client's error texts if the server is not a Redis server. */
const NO_REDIS = /Protocol error, got |Unknown RESP type/;

/** System error codes of a connection that the server closed or did not answer: the client cannot tell the reason. */
const BROKEN: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/** Redis' error text for a client over the limit. It may come as an answer, or be lost with the connection. */
const FULL = /max number of clients reached/;

/** One end of the connection speaks TLS and the other does not: only a change of options can help. */
class TlsAtOneEnd extends Error {}

/** A connection, and the number of pings since something was last received. */
interface Line {
  readonly client: Redis;
  bytesRead: number;
  unanswered: number;
}

/** Events of the link. The listener must not throw, except from `prepare`. */
export interface RedisLinkListener {
  /** Called when both connections are there: checks the server and subscribes. If it rejects, it is called again. */
  prepare(commands: ScriptedRedis, subscriber: Redis): Promise<void>;
  up(): void;
  down(reason: string): void;
  onMessage(channel: string, message: Buffer): void;
  warn(message: string): void;
}

/**
 * Two connections to one server, one for commands and one for subscriptions; usable while both work. A subscriber's
 * connection accepts no other commands, and commands do not delay it.
 */
export class RedisLink {
  isUp = false;
  /** Why there is no connection. */
  trouble: string | undefined;
  /** Whether the last attempt was refused permanently. */
  private isRefused = false;
  private isAsking = false;
  readonly commands: ScriptedRedis;
  readonly subscriber: Redis;
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
    /** The name under which Redis lists the connections. */
    private readonly client: string,
    private readonly listener: RedisLinkListener,
  ) {
    this.firstContact = new Promise((resolve, reject) => {
      this.opened = resolve;
      this.failed = reject;
    });
    this.secrets = new Secrets([options.url, options.client, options.connection?.options]);
    this.commands = withScripts(this.dial());
    this.subscriber = this.dial();
    this.subscriber.on('messageBuffer', (channel: Buffer, message: Buffer) =>
      this.listener.onMessage(channel.toString(), message),
    );
  }

  /**
   * Resolves at the first contact.
   *
   * @throws ClusterOptionsError if the server refuses permanently
   */
  async open(): Promise<void> {
    for (const client of [this.commands, this.subscriber]) {
      // The outcome is reported by the client's events.
      client.connect().catch(() => undefined);
    }
    await this.firstContact;
  }

  /** Drops both connections and opens new ones. */
  renew(reason: string): void {
    if (this.isClosed) return;
    this.lost(reason);
    for (const client of [this.commands, this.subscriber]) client.disconnect(true);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.isUp = false;
    clearInterval(this.pinging);
    for (const client of [this.commands, this.subscriber]) client.disconnect();
    this.opened();
  }

  /** The server's address, without credentials. */
  get address(): string {
    const { options } = this.commands;
    const { path, sentinels, host = '127.0.0.1', port = 6379 } = options;
    const place = path ?? (sentinels ? `the primary '${options.name ?? ''}' of Sentinel` : `${host}:${port}`);
    return withoutCredentials(place);
  }

  private dial(): Redis {
    const { ioredis } = this.packages;
    // ioredis 5.0 to 5.2 do not export `Redis` by name.
    const Redis = ioredis.Redis ?? ioredis.default;
    let beganAt = -Infinity;
    const fixed: ClientOptions = {
      enableOfflineQueue: false,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      // A command that is pending when the connection breaks fails at once.
      maxRetriesPerRequest: 0,
      lazyConnect: true,
      // Overrides the prefix of a user's client: the engine has its own names, and BullMQ accepts no prefix.
      keyPrefix: '',
      enableAutoPipelining: false,
      // Where packets are dropped, an attempt takes its whole timeout. Waiting after it would only delay the recovery.
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
      // The server was the primary and is now a replica: Sentinel knows the new primary.
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

  /** Creates the client. If it cannot read an address, its error quotes the address, so credentials are hidden. */
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
      this.contact === contact &&
      !this.isClosed &&
      this.commands.status === 'ready' &&
      this.subscriber.status === 'ready';
    if (!isCurrent()) return;
    try {
      await this.listener.prepare(this.commands, this.subscriber);
      if (isCurrent()) this.raise();
    } catch (error) {
      if (!isCurrent()) return;
      this.trouble = this.secrets.hide((error as Error).message);
      if (this.isRefusedBy(error as Error) && !this.wasUp) return;
      this.warn(`Redis is there, but cannot be used yet: ${this.trouble}`);
      await sleep(PREPARE_DELAY, undefined, { ref: false });
      if (isCurrent()) this.renew('it cannot be used');
    }
  }

  private raise(): void {
    this.isUp = true;
    this.wasUp = true;
    this.isRefused = false;
    this.trouble = undefined;
    this.lines = [this.commands, this.subscriber].map((client) => ({ client, bytesRead: -1, unanswered: 0 }));
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
   * Counts pings, not time, because a busy process sends no pings either. Anything received is a sign of life, because
   * the answer to a ping may have to wait behind many others.
   */
  private ping(): void {
    for (const line of this.lines) {
      const { bytesRead } = line.client.stream;
      line.unanswered = bytesRead === line.bytesRead ? line.unanswered + 1 : 0;
      line.bytesRead = bytesRead;
      if (line.unanswered > PINGS_UNANSWERED) return this.renew('it does not answer');
      // A ping that fails counts as unanswered.
      line.client.ping().catch(() => undefined);
    }
  }

  private erred(error: Error): void {
    this.trouble = this.secrets.hide(connectionReason(error));
    if (FULL.test(error.message)) this.warn(`Redis at ${this.address} takes no more connections: ${error.message}`);
    else this.isRefusedBy(error);
  }

  /** Finds out why a connection fails: the server accepts no more clients, or only one end speaks TLS. */
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

  /** Whether Redis refuses permanently. At the first contact that ends the start; later it is only logged. */
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
    // The client's error contains the command, and that contains the password.
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
 * ioredis handles only the first error of each socket. A TLS socket may emit a second one, such as the alert that
 * answers a refused certificate: without a listener, it would end the process.
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

/** Why a server ends a connection without TLS; undefined if not known. */
async function refusalOfPlain(host: string, port: number): Promise<Error | undefined> {
  const said = await refusalOf(host, port);
  if (said !== undefined) return new Error(said);
  if (!(await speaksTls(host, port))) return undefined;
  return new TlsAtOneEnd('the server speaks TLS only, so name it as rediss://, or give tls');
}

/** Why a TLS connection fails; undefined if not known. */
async function refusalOfTls(host: string, port: number): Promise<Error | undefined> {
  if (!(await answersPlainly(host, port, 'PING\r\n'))) return undefined;
  return new TlsAtOneEnd('the server speaks no TLS, so name it as redis://, without tls');
}
