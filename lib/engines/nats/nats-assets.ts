import { setTimeout as sleep } from 'node:timers/promises';
import type { JetStreamClient, JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { ClusterOptionsError } from '../../errors/errors.js';
import { type Secrets, withoutCredentials } from '../../platform/secrets.js';
import type { NatsNames } from './names.js';
import type { ResolvedNatsOptions } from './options.js';
import type { NatsPackages } from './packages.js';
import { isRefusal } from './refusals.js';

/** Timeout of a JetStream request, in ms. */
export const ANSWER_TIMEOUT = 2_000;

/** A server that has just started may not have JetStream yet: how many times it is asked, and the interval, in ms. */
const PREPARE_TRIES = 5;
export const PREPARE_DELAY = 300;

/** How long a duplicate id is refused, in ms; after that, the result of the first task is there. */
const DUPLICATE_WINDOW = 120_000;

/** A task is dropped after this time if no worker takes it, not even to report its passed deadline, in ms. */
const TASK_KEPT = 7 * 24 * 60 * 60_000;

/** A consumer that no worker pulls from is deleted after this time, in ms; results of tasks are kept for half of it. */
const CONSUMER_KEPT = 10 * 60_000;

/** How many members may wait for tasks of one queue. */
const MAX_WAITING = 8_192;

/** JetStream's error code: a stream of that name exists with another configuration. */
const OTHER_CONFIGURATION = 10058;

/** The same for a consumer, since 2.10; older servers change the consumer instead. */
const OTHER_CONSUMER = 10148;

/** With direct reads, a replica that lags behind could answer: a run would not see how the previous one ended. */
const READ_AT_THE_LEADER = { allow_direct: false };

/** The replicas of a stream report to its leader every second. After this silence a replica counts as lost, in ms. */
const REPLICA_SILENCE = 3_000;

export const NO_QUORUM =
  'JetStream cannot store anything now: its quorum is lost, or this process reaches only a minority of its servers';

const OLDEST_VERSION = [2, 9] as const;

const nanos = (ms: number): number => ms * 1e6;

/** A key-value bucket. */
export interface Bucket {
  readonly records: KV;
  /** When the server created it, in µs since 1970. */
  readonly madeAt: number;
}

/**
 * What the engine needs of the server: a stream of tasks, a consumer per queue, buckets of records. Creates what is
 * missing.
 */
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

  /** The prefix of the subjects of JetStream's own requests. */
  get apiPrefix(): string {
    const { apiPrefix, domain } = this.options.jetstream;
    return apiPrefix ?? (domain === undefined ? '$JS.API' : `$JS.${domain}.API`);
  }

  /**
   * Checks the server and creates the stream. Rejects with a plain error if the server may be able to do so later.
   *
   * @param maxMessage the largest message that the messenger sends, in bytes
   * @returns the largest message that the server accepts, in bytes
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
        await sleep(PREPARE_DELAY);
      }
    }
  }

  /**
   * Whether a write is stored now. Another request would not tell: the leader of all of JetStream answers it, not the
   * bucket's.
   */
  async keeps(): Promise<boolean> {
    const [bucket] = this.buckets.values();
    if (bucket === undefined) return this.hasQuorum();
    await (await bucket).records.put('probe', '');
    return true;
  }

  /**
   * Whether the leader of the task stream hears from a majority of its replicas. A leader that is cut off with a
   * minority still believes for 10 s that it leads.
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
      // The task itself decides how often it is delivered.
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

  /** Returns a bucket whose records are kept for `ttl` ms; creates it if needed. */
  bucket(name: string, ttl: number): Promise<Bucket> {
    let bucket = this.buckets.get(name);
    if (bucket === undefined) {
      bucket = this.openBucket(name, ttl);
      this.buckets.set(name, bucket);
      bucket.catch(() => this.buckets.delete(name));
    }
    return bucket;
  }

  /** Raises the bucket's time to live to `ttl` ms again, in case a member with a shorter one has lowered it. */
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
      // The stream refuses a second message with the same id while the first is there, and for a while after.
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

  /** Adapts a bucket that an earlier version, or members with another lease, have created. */
  private async adjust(bucket: string, ttl: number, { config, state }: StreamInfo): Promise<void> {
    const asked = nanos(ttl);
    // A member that holds a record may rely on the longer time to live, and renews only in time for that.
    const max_age = state.messages > 0 ? Math.max(asked, config.max_age) : asked;
    if (max_age === config.max_age && !config.allow_direct) return;
    const duplicate_window = Math.min(max_age, nanos(DUPLICATE_WINDOW));
    const changed = { max_age, duplicate_window, ...READ_AT_THE_LEADER };
    const { state: after } = await this.manager.streams.update(`KV_${bucket}`, changed);
    if (max_age >= config.max_age || after.messages === 0) return;
    // A member has written a record at the same moment.
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
