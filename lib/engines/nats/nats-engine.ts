import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection, NodeConnectionOptions, Subscription } from '@nats-io/transport-node';
import type {
  Engine,
  EngineContext,
  EngineListener,
  LeasedTask,
  QueueWorker,
  Store,
} from '../../bus/engine.interface.js';
import { BackpressureError, ClusterOptionsError, NotConnectedError } from '../../errors/errors.js';
import { refusalOf } from '../../platform/refusal-probe.js';
import { delayAfter } from '../../platform/backoff.js';
import { hostTime, systemClock } from '../../platform/clock.js';
import { connectionReason } from '../../platform/connection-reason.js';
import { Secrets, withoutCredentials } from '../../platform/secrets.js';
import { ThrottledWarning } from '../../platform/throttled-warning.js';
import { NatsNames } from './names.js';
import { ANSWER_TIMEOUT, NatsAssets, NO_QUORUM, PREPARE_DELAY } from './nats-assets.js';
import { NatsQueueWorker, PULL_TIME } from './nats-queue-worker.js';
import { NatsStore } from './nats-store.js';
import type { ResolvedNatsOptions } from './options.js';
import type { NatsPackages } from './packages.js';
import { QuorumWatch } from './quorum-watch.js';
import { isRefusal } from './refusals.js';

/** An unresponsive broker is noticed after three of these intervals, in ms; the client's default is 2 minutes. */
const PING_INTERVAL = 1_000;

/**
 * Timeout of an attempt to connect, in ms. The system resends a dropped first packet after 1 s, so a network that works
 * again is noticed within a second, or by the next attempt.
 */
const DIAL_TIMEOUT = 2_000;

/** Delay between the first two attempts to connect, and the longest delays between two, in ms. */
const FIRST_DELAY = 50;
const LONGEST_DELAY = 500;
const LONGEST_AFTER_REFUSAL = 2_000;

/** The port of a NATS server, unless another is configured. */
const DEFAULT_PORT = 4222;

/**
 * A task that the server sent over a broken connection is delivered again after this time, in ms: not before the pull
 * of that connection has ended.
 */
const LONGEST_SILENCE = PULL_TIME;

/** How long closing waits for the last messages to be sent, in ms. */
const LAST_FLUSH = 1_000;

/** JetStream's error code: no room, perhaps only for a second message with the same subject. */
const NO_ROOM = 10077;

/** Codes for no room at all: the stream is full, the message too large, or the disk or the account's limit used up. */
const REFUSED: ReadonlySet<unknown> = new Set([NO_ROOM, 10054, 10023, 10047]);

/**
 * NATS as an engine: core NATS for messages that may be lost, a JetStream work queue for tasks, key-value buckets for
 * records.
 */
export class NatsEngine implements Engine {
  readonly name = 'NATS';
  readonly longestSilence = LONGEST_SILENCE;
  maxMessage = Infinity;
  isConnected = false;
  private readonly names: NatsNames;
  private connection: NatsConnection | undefined;
  private readonly assets: NatsAssets;
  private readonly subscribers = new Set<Subscriber>();
  private readonly workers = new Set<NatsQueueWorker>();
  private listener: EngineListener | undefined;
  /** Rejects the flushes that are pending when the connection is lost. */
  private readonly flushing = new Set<(error: Error) => void>();
  private closing = false;
  /** Counts the changes of the connection, so that work for an earlier one is recognised. */
  private contact = 0;
  /** The number of attempts to connect since the last connection. */
  private tries = 0;
  /** Why there is no connection. */
  trouble: string | undefined;
  /** The last error that the server sent since the last attempt to connect. */
  private said: string | undefined;
  /** Whether the last attempt was refused permanently. */
  private isRefused = false;
  private readonly refused: ThrottledWarning;
  private readonly denied: ThrottledWarning;
  private readonly unusable: ThrottledWarning;
  private readonly secrets: Secrets;
  private readonly quorum: QuorumWatch;

  constructor(
    private readonly packages: NatsPackages,
    private readonly options: ResolvedNatsOptions,
    private readonly context: EngineContext,
  ) {
    this.names = new NatsNames(context);
    this.secrets = new Secrets([options.servers, options.client]);
    this.assets = new NatsAssets(packages, options, this.names, this.secrets);
    this.quorum = new QuorumWatch(
      () => this.assets.keeps(),
      systemClock,
      () => this.quorumLost(),
    );
    const warn = (message: string) => this.warn(message);
    this.refused = new ThrottledWarning(warn, hostTime, (count, reason) =>
      count === 1 ? reason : `${reason} (${count} times)`,
    );
    this.denied = new ThrottledWarning(warn, hostTime, (_count, why) => why);
    this.unusable = new ThrottledWarning(
      warn,
      hostTime,
      (_count, why) => `NATS is there, but cannot be used yet: ${why}`,
    );
  }

  async connect(listener: EngineListener): Promise<void> {
    this.listener = listener;
    const connection = this.options.connection ?? (await this.dial());
    if (connection === undefined) return;
    if (this.closing) return this.leave(connection);
    if (connection.isClosed()) {
      throw new ClusterOptionsError(
        'messenger.engine: the connection that nats() was given is closed. Give it an open one.',
      );
    }
    this.connection = connection;
    void this.watch(connection);
    try {
      await this.prepare(connection, (this.contact += 1), 'first');
    } catch (error) {
      this.connection = undefined;
      await this.leave(connection);
      throw error;
    }
  }

  publish(subject: string, message: Uint8Array): void {
    // The client would silently drop the message.
    if (!this.isConnected) throw this.notConnected();
    this.connection!.publish(this.names.subject(subject), message);
  }

  async flush(): Promise<void> {
    if (!this.isConnected) throw this.notConnected();
    await new Promise<void>((resolve, reject) => {
      this.flushing.add(reject);
      const end = () => this.flushing.delete(reject);
      this.connection!.flush().then(resolve, reject).finally(end);
    });
  }

  subscribe(subject: string, receive: (message: Uint8Array) => void): () => void {
    const subscriber = new Subscriber(this.names.subject(subject), receive);
    this.subscribers.add(subscriber);
    if (this.connection !== undefined) subscriber.attach(this.connection);
    return () => {
      this.subscribers.delete(subscriber);
      subscriber.detach();
    };
  }

  store(name: string, ttl: number): Store {
    const over = <T>(work: () => Promise<T>): Promise<T> =>
      this.isConnected ? this.quorum.over(work) : Promise.reject(this.notConnected());
    return new NatsStore(
      (work) => over(async () => work(await this.assets.bucket(name, ttl))),
      () => over(() => this.assets.uphold(name, ttl)),
    );
  }

  async enqueue(queue: string, id: string, message: Uint8Array): Promise<boolean> {
    if (!this.isConnected) throw this.notConnected();
    try {
      const options = { msgID: id, timeout: ANSWER_TIMEOUT };
      const publish = () => this.assets.jetstream.publish(this.names.task(queue, id), message, options);
      const { duplicate } = await this.quorum.over(publish);
      return !duplicate;
    } catch (error) {
      const { code, message: text } = error as { code?: unknown; message: string };
      if (code === NO_ROOM && text.includes('per subject')) return false;
      if (REFUSED.has(code)) throw this.noRoom(text);
      throw error;
    }
  }

  async withdraw(queue: string, id: string): Promise<void> {
    if (!this.isConnected) throw this.notConnected();
    const { streams } = this.assets.manager;
    const found = await streams.getMessage(this.names.stream, { last_by_subj: this.names.task(queue, id) });
    if (found !== null) await streams.deleteMessage(this.names.stream, found.seq, false);
  }

  work(queue: string, lease: number, receive: (task: LeasedTask) => void): QueueWorker {
    const consumer = this.names.consumer(queue);
    const { stream } = this.names;
    const worker = new NatsQueueWorker(
      {
        names: this.names,
        connection: () => (this.isConnected ? this.connection : undefined),
        prepare: () => this.assets.addConsumer(queue, lease),
        nextSubject: `${this.assets.apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
        inbox: `${this.options.client.inboxPrefix ?? '_INBOX'}.${randomBytes(12).toString('hex')}`,
        warn: (message) => this.refused.due(message),
      },
      receive,
    );
    this.workers.add(worker);
    const stop = () => {
      this.workers.delete(worker);
      worker.stop();
    };
    return { grant: (tasks) => worker.grant(tasks), stop };
  }

  async close(): Promise<void> {
    this.closing = true;
    const { connection } = this;
    if (connection === undefined) return;
    for (const worker of this.workers) worker.stop();
    for (const subscriber of this.subscribers) subscriber.detach();
    if (this.isConnected) await Promise.race([connection.flush().catch(() => undefined), sleep(LAST_FLUSH)]);
    this.isConnected = false;
    this.cutOff();
    await this.leave(connection);
  }

  // ---- the connection

  /**
   * Opens the first connection, however long that takes; undefined if the engine is closed before.
   *
   * @throws ClusterOptionsError if a server refuses permanently and no other accepts
   */
  private async dial(): Promise<NatsConnection | undefined> {
    const { servers, client } = this.options;
    const options: NodeConnectionOptions = {
      name: this.context.client,
      timeout: DIAL_TIMEOUT,
      pingInterval: PING_INTERVAL,
      maxPingOut: 2,
      reconnectDelayHandler: () => this.nextDelay(),
      ...client,
      ...(servers === undefined ? {} : { servers }),
      maxReconnectAttempts: -1,
      // Otherwise the client would wait without telling why.
      waitOnFirstConnect: false,
      // The server may be wrong, for example during a rotation of credentials.
      ignoreAuthErrorAbort: true,
    };
    while (!this.closing) {
      try {
        const connection = await this.packages.transport.connect(options);
        onFailedDial(connection, (error) => this.failedDial(error));
        return connection;
      } catch (error) {
        this.failedDial(error, await this.reasonOfRefusal(error));
        if (isRefusal(error)) throw this.refusal(error);
      }
      await sleep(this.nextDelay());
    }
    return undefined;
  }

  /** After a refusal the next attempt comes later: checking credentials may be expensive for the server. */
  private nextDelay(): number {
    return delayAfter((this.tries += 1), FIRST_DELAY, this.isRefused ? LONGEST_AFTER_REFUSAL : LONGEST_DELAY);
  }

  private failedDial(error: unknown, said = this.said): void {
    this.isRefused = isRefusal(error);
    const { name } = error as Error;
    this.trouble = this.secrets.hide(name === 'TimeoutError' && said !== undefined ? said : connectionReason(error));
    this.said = undefined;
    // It was logged that a server is away when the connection was lost.
    if (this.isRefused && this.connection !== undefined) this.denied.due(this.refusal(error).message);
  }

  /** The error that the first server sends, if it accepted the connection and then did not answer the client. */
  private async reasonOfRefusal(error: unknown): Promise<string | undefined> {
    if ((error as Error).name !== 'TimeoutError') return undefined;
    const [first = '127.0.0.1'] = [this.options.servers ?? []].flat();
    const address = /^[a-z]+:\/\//.test(first) ? first : `nats://${first}`;
    if (!URL.canParse(address)) return undefined;
    const { hostname, port } = new URL(address);
    return refusalOf(hostname.replaceAll(/[[\]]/g, ''), Number(port || DEFAULT_PORT));
  }

  private refusal(error: unknown): ClusterOptionsError {
    const cause = this.secrets.hideIn(error);
    const at = [this.options.servers ?? '127.0.0.1:4222'].flat().map(withoutCredentials).join(', ');
    return new ClusterOptionsError(
      `messenger.engine: NATS at ${at} refuses the connection: ${connectionReason(cause)}. ` +
        `Check servers, user, pass, token, authenticator and tls of nats().`,
      { cause },
    );
  }

  /** Closes the connection, unless the user passed it in. */
  private async leave(connection: NatsConnection): Promise<void> {
    if (this.options.connection === undefined) await connection.close();
  }

  private connected(connection: NatsConnection): void {
    this.isConnected = true;
    this.quorum.reset();
    this.trouble = undefined;
    this.isRefused = false;
    this.tries = 0;
    for (const subscriber of this.subscribers) subscriber.attach(connection);
    for (const worker of this.workers) worker.connected();
    this.listener?.onConnected();
  }

  private disconnected(reason: string): void {
    if (!this.isConnected) return;
    this.isConnected = false;
    this.quorum.reset();
    this.cutOff();
    for (const worker of this.workers) worker.disconnected();
    this.listener?.onDisconnected(reason);
  }

  /** Fails pending flushes: the client would let them wait until it is connected again. */
  private cutOff(): void {
    for (const fail of this.flushing) fail(this.notConnected());
    this.flushing.clear();
  }

  private async watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      switch (status.type) {
        case 'disconnect':
          this.contact += 1;
          this.disconnected(`it was to ${withoutCredentials(status.server)}`);
          break;
        case 'reconnect':
          void this.prepare(connection, (this.contact += 1));
          break;
        case 'error':
          this.said = status.error.message;
          // An error that prevents the connection is reported when the attempt to connect has failed.
          if (this.isConnected || !isRefusal(status.error)) this.refused.due(`NATS: ${status.error.message}`);
          break;
        case 'slowConsumer':
          this.warn(`NATS: this process does not read its messages fast enough.`);
          break;
        case 'close':
          if (!this.closing) this.closedForGood();
          break;
        default:
          break;
      }
    }
    if (!this.closing && connection.isClosed()) this.closedForGood();
  }

  /** A server that stores nothing is as bad as none; with only a part of the members there would be two clusters. */
  private quorumLost(): void {
    const { connection } = this;
    if (connection === undefined || this.closing) return;
    this.contact += 1;
    this.trouble = NO_QUORUM;
    this.disconnected(NO_QUORUM);
    void this.prepare(connection, this.contact, 'stalled');
  }

  private closedForGood(): void {
    if (!this.isConnected && this.connection === undefined) return;
    this.disconnected('it was closed');
    this.connection = undefined;
    this.warn(
      'The connection to NATS was closed for good, by its owner or because its credentials are refused. Restart this process.',
    );
  }

  /**
   * Creates everything that is needed on the server; retries for as long as the server cannot.
   *
   * @throws ClusterOptionsError if the server refuses permanently at the first contact
   */
  private async prepare(connection: NatsConnection, contact: number, which?: 'first' | 'stalled'): Promise<void> {
    const isCurrent = () => this.contact === contact && !this.closing && !connection.isClosed();
    while (isCurrent()) {
      try {
        const isKept = which === 'stalled' && (await this.assets.keeps().catch(() => false));
        if (!isKept) this.maxMessage = await this.assets.prepare(connection, this.context.maxMessage);
        if (isCurrent()) this.connected(connection);
        return;
      } catch (error) {
        if (which === 'first' && error instanceof ClusterOptionsError) throw error;
        this.trouble = (error as Error).message;
        if (isCurrent()) this.unusable.due(this.trouble);
        await sleep(PREPARE_DELAY);
      }
    }
  }

  /** Credentials are hidden, because messages of a client or server may quote them. */
  private warn(message: string): void {
    this.listener?.onWarning(this.secrets.hide(message));
  }

  private noRoom(reason: string): BackpressureError {
    return new BackpressureError(
      `NATS did not accept the task: ${reason}. Check the stream ${this.names.stream}: its consumers do not keep up, or ` +
        `the limits of the account or the disk are too small.`,
    );
  }

  private notConnected(): NotConnectedError {
    const why = this.trouble === undefined ? '' : ` (${this.trouble})`;
    return new NotConnectedError(
      `NATS cannot be reached just now${why}. The connection is tried for ever: call again later.`,
    );
  }
}

/** The client does not report why it cannot reconnect. If its internals change one day, no reason is reported. */
function onFailedDial(connection: NatsConnection, failed: (error: unknown) => void): void {
  const { protocol } = connection as unknown as { protocol?: { dial?(server: unknown): Promise<void> } };
  const dial = protocol?.dial;
  if (protocol === undefined || dial === undefined) return;
  protocol.dial = (server) =>
    dial.call(protocol, server).catch((error: unknown) => {
      failed(error);
      throw error;
    });
}

/** A subscription that survives a new connection object. Within one connection, NATS renews subscriptions by itself. */
class Subscriber {
  private subscription: Subscription | undefined;

  constructor(
    private readonly subject: string,
    private readonly receive: (message: Uint8Array) => void,
  ) {}

  attach(connection: NatsConnection): void {
    this.subscription ??= connection.subscribe(this.subject, {
      callback: (error, { data }) => {
        if (error === null) this.receive(data);
      },
    });
  }

  detach(): void {
    this.subscription?.unsubscribe();
    this.subscription = undefined;
  }
}
