import { setTimeout as elapsed } from 'node:timers/promises';
import type { JetStreamClient, JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { ClusterOptionsError } from '../../errors/errors.js';
import { type Secrets, withoutCredentials } from '../../platform/secrets.js';
import type { NatsNames } from './names.js';
import type { ResolvedNatsOptions } from './options.js';
import type { NatsPackages } from './packages.js';
import { isRefusal } from './refusals.js';

/** How long JetStream may take to answer, in ms. */
export const ANSWER_TIMEOUT = 2_000;

/** A server that was just started may not have JetStream yet: it is asked so often, so many ms apart. */
const PREPARE_TRIES = 5;
export const PREPARE_DELAY = 300;

/** Ids are refused twice within so long, in ms; later, the result of the first is there. */
const DUPLICATE_WINDOW = 120_000;

/** A task that nobody takes, not even to say that its deadline has passed, is dropped after so long, in ms. */
const TASK_KEPT = 7 * 24 * 60 * 60_000;

/** A consumer at which nobody asked for tasks for so long is forgotten, in ms; results of tasks are kept for half of it. */
const CONSUMER_KEPT = 10 * 60_000;

/** How many members may wait for tasks of one queue. */
const MAX_WAITING = 8_192;

/** JetStream's word for: there is one by that name, with another configuration. */
const OTHER_CONFIGURATION = 10058;

/** The same about a consumer, since 2.10; servers before change it. */
const OTHER_CONSUMER = 10148;

/** Any replica would answer otherwise, also one that lags behind: a run would not see how the one before it ended. */
const READ_AT_THE_LEADER = { allow_direct: false };

/** Those that keep a stream say each second that they do. One that its leader has not heard for so long is none, in ms. */
const REPLICA_SILENCE = 3_000;

export const NO_QUORUM =
  'JetStream keeps nothing just now: its quorum is lost, or this process reaches a minority of its servers';

const OLDEST_VERSION = [2, 9] as const;

const nanos = (ms: number): number => ms * 1e6;

/** A key-value bucket. */
export interface Bucket {
  readonly records: KV;
  /** When the server made it, in µs since 1970. */
  readonly madeAt: number;
}

/** What is needed of the server: a stream of tasks, a consumer for each queue, buckets of records. Made where missing. */
export class NatsAssets {
  jetstream!: JetStreamClient;
  manager!: JetStreamManager;
  private readonly buckets = new Map<string, Promise<Bucket>>();

  constructor(
    private readonly packages: NatsPackages,
    private readonly options: ResolvedNatsOptions,
    private readonly names: NatsNames,
    private readonly secrets: Secrets,
  ) {}

  /** Before the subjects of JetStream's own requests. */
  get apiPrefix(): string {
    const { apiPrefix, domain } = this.options.jetstream;
    return apiPrefix ?? (domain === undefined ? '$JS.API' : `$JS.${domain}.API`);
  }

  /**
   * Makes sure of the server and of the stream. Rejects with a plain error where the server may be able to do it later.
   *
   * @param maxMessage bytes that the messenger wants to send
   * @returns the largest message the server takes, in bytes
   * @throws ClusterOptionsError that says what to change
   */
  async prepare(connection: NatsConnection, maxMessage: number): Promise<number> {
    const limit = checkServer(connection, maxMessage);
    const options = { timeout: ANSWER_TIMEOUT, ...this.options.jetstream };
    for (let tries = 1; ; tries++) {
      try {
        this.jetstream = this.packages.jetstream.jetstream(connection, options);
        this.manager = await this.packages.jetstream.jetstreamManager(connection, options);
        await this.addStream();
        if (!(await this.hasQuorum())) throw new Error(NO_QUORUM);
        this.buckets.clear();
        return limit;
      } catch (error) {
        if (!isRefusal(error)) throw notNow(this.secrets.hideIn(error));
        if (connection.isClosed() || tries === PREPARE_TRIES) throw unusable(this.secrets.hideIn(error), connection);
        await elapsed(PREPARE_DELAY);
      }
    }
  }

  /** Whether what is written now is kept. JetStream's own requests would tell of another leader, that of all of JetStream. */
  async keeps(): Promise<boolean> {
    const [bucket] = this.buckets.values();
    if (bucket === undefined) return this.hasQuorum();
    await (await bucket).records.put('probe', '');
    return true;
  }

  /**
   * Whether the leader of the stream of tasks hears a majority of its replicas. One that was cut off with a minority takes itself
   * for the leader for 10 s more.
   */
  private async hasQuorum(): Promise<boolean> {
    const { cluster } = await this.manager.streams.info(this.names.stream);
    const others = cluster?.replicas ?? [];
    const silent = others.filter(({ active, offline }) => offline || active > nanos(REPLICA_SILENCE));
    return silent.length * 2 < others.length + 1;
  }

  async addConsumer(queue: string, lease: number): Promise<void> {
    const { consumers } = this.manager;
    const name = this.names.consumer(queue);
    const changeable = {
      ack_wait: nanos(lease),
      // How often is enough is the task's to say.
      max_deliver: -1,
      max_ack_pending: -1,
      max_waiting: MAX_WAITING,
      inactive_threshold: nanos(Math.max(CONSUMER_KEPT, 2 * lease)),
    };
    const fixed = {
      durable_name: name,
      filter_subject: this.names.tasksOf(queue),
      ack_policy: this.packages.jetstream.AckPolicy.Explicit,
    };
    try {
      await consumers.add(this.names.stream, { ...fixed, ...changeable });
    } catch (error) {
      if ((error as { code?: unknown }).code !== OTHER_CONSUMER) throw error;
      await consumers.update(this.names.stream, name, changeable);
    }
  }

  /** A bucket whose records are kept for `ttl` ms. */
  bucket(name: string, ttl: number): Promise<Bucket> {
    let bucket = this.buckets.get(name);
    if (bucket === undefined) {
      bucket = this.openBucket(name, ttl);
      this.buckets.set(name, bucket);
      bucket.catch(() => this.buckets.delete(name));
    }
    return bucket;
  }

  /** Whoever has asked for less may have been there in between. */
  async uphold(name: string, ttl: number): Promise<void> {
    const bucket = this.names.bucket(name);
    const info = await this.manager.streams.info(`KV_${bucket}`);
    if (info.config.max_age < nanos(ttl)) await this.adjust(bucket, ttl, info);
  }

  private async addStream(): Promise<void> {
    const { streams } = this.manager;
    const { RetentionPolicy, StorageType, DiscardPolicy } = this.packages.jetstream;
    const changeable = {
      subjects: [this.names.everyTask],
      // A second one of the same id is refused while the first is there, and for a while after.
      discard: DiscardPolicy.New,
      discard_new_per_subject: true,
      max_msgs_per_subject: 1,
      duplicate_window: nanos(DUPLICATE_WINDOW),
      max_age: nanos(TASK_KEPT),
      num_replicas: this.options.replicas,
      ...READ_AT_THE_LEADER,
    };
    try {
      const fixed = { name: this.names.stream, retention: RetentionPolicy.Workqueue, storage: StorageType.File };
      await streams.add({ ...fixed, ...changeable });
    } catch (error) {
      if ((error as { code?: unknown }).code !== OTHER_CONFIGURATION) throw error;
      await streams.update(this.names.stream, changeable);
    }
  }

  private async openBucket(name: string, ttl: number): Promise<Bucket> {
    const kvm = new this.packages.kv.Kvm(this.jetstream);
    const { StorageType } = this.packages.jetstream;
    const bucket = this.names.bucket(name);
    const { replicas } = this.options;
    const options = { ttl, history: 1, storage: StorageType.File, replicas, ...READ_AT_THE_LEADER };
    const opened = await kvm.create(bucket, options);
    const { streamInfo } = await opened.status();
    await this.adjust(bucket, ttl, streamInfo);
    return { records: opened, madeAt: Date.parse(streamInfo.created) * 1_000 };
  }

  /** A bucket of an earlier version, or of members with another lease. */
  private async adjust(bucket: string, ttl: number, { config, state }: StreamInfo): Promise<void> {
    const asked = nanos(ttl);
    // Who holds something there may have asked for more, and renews it in good time for that.
    const max_age = state.messages > 0 ? Math.max(asked, config.max_age) : asked;
    if (max_age === config.max_age && !config.allow_direct) return;
    const duplicate_window = Math.min(max_age, nanos(DUPLICATE_WINDOW));
    const changed = { max_age, duplicate_window, ...READ_AT_THE_LEADER };
    const { state: after } = await this.manager.streams.update(`KV_${bucket}`, changed);
    if (max_age >= config.max_age || after.messages === 0) return;
    // Somebody has written at the same moment.
    const { duplicate_window: before } = config;
    await this.manager.streams.update(`KV_${bucket}`, { max_age: config.max_age, duplicate_window: before });
  }
}

function checkServer(connection: NatsConnection, maxMessage: number): number {
  const { version = '0.0.0', max_payload: limit = Infinity } = connection.info ?? {};
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_VERSION;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    throw new ClusterOptionsError(
      `messenger.engine: nats-server ${version} is too old; ${OLDEST_VERSION.join('.')} or newer is needed.`,
    );
  }
  if (limit >= maxMessage) return limit;
  throw new ClusterOptionsError(
    `messenger.maxPayload asks for messages of ${maxMessage} bytes, names included, and nats-server takes ${limit}. Lower ` +
      `the option, or raise max_payload in the server's configuration.`,
  );
}

function unusable(error: Error, connection: NatsConnection): Error {
  if (error.name === 'JetStreamNotEnabled') {
    return new ClusterOptionsError(
      `messenger.engine: JetStream is not enabled at ${withoutCredentials(connection.getServer())}, or not for this account. Start nats-server ` +
        `with -js, or a jetstream block in its configuration.`,
      { cause: error },
    );
  }
  return new ClusterOptionsError(
    `messenger.engine: JetStream cannot be set up: ${error.message}. The account must be allowed to make streams, ` +
      `consumers and key-value buckets, and replicas of nats() must suit the server.`,
    { cause: error },
  );
}

function notNow(cause: Error): Error {
  return new Error(`JetStream cannot be used: ${cause.message}`, { cause });
}
