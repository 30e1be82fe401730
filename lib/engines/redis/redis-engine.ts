import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type {
  Engine,
  EngineContext,
  EngineListener,
  LeasedTask,
  QueueWorker,
  Store,
} from '../../bus/engine.interface.js';
import { NotConnectedError } from '../../errors/errors.js';
import { hostTime } from '../../platform/clock.js';
import { ThrottledWarning } from '../../platform/throttled-warning.js';
import { RedisNames } from './names.js';
import type { ResolvedRedisOptions } from './options.js';
import type { RedisPackages } from './packages.js';
import { RedisLink } from './redis-link.js';
import { RedisQueue } from './redis-queue.js';
import { RedisQueueWorker } from './redis-queue-worker.js';
import { RedisStore } from './redis-store.js';
import type { ScriptedRedis } from './scripts.js';
import { checkServer } from './server.js';

/** The largest value that Redis accepts, in bytes; a task takes a third more there. */
const LARGEST_VALUE = 512 * 1024 * 1024;
const LARGEST_MESSAGE = (LARGEST_VALUE * 3) / 4 - 1024;

/** How many unused queues are kept ready for the next task. */
const MOST_IDLE_QUEUES = 500;

/** How long closing waits for the last messages to be sent, in ms. */
const LAST_FLUSH = 1_000;

/** A queue, and the number of calls and workers that use it. */
interface UsedQueue {
  readonly queue: RedisQueue;
  uses: number;
}

type Receiver = (message: Uint8Array) => void;

/** Redis as an engine: its channels for messages that may be lost, BullMQ for tasks, scripts for records. */
export class RedisEngine implements Engine {
  readonly name = 'Redis';
  readonly maxMessage = LARGEST_MESSAGE;
  private readonly names: RedisNames;
  private link: RedisLink | undefined;
  private listener: EngineListener | undefined;
  /** The trouble of a link that was refused. */
  private lastTrouble: string | undefined;
  private readonly receivers = new Map<string, Set<Receiver>>();
  /** Subscriptions that Redis has not confirmed yet. */
  private readonly pending = new Set<Promise<unknown>>();
  /** Sorted by use: the most recently used queue comes last. */
  private readonly queues = new Map<string, UsedQueue>();
  private readonly workers = new Set<RedisQueueWorker>();
  private readonly warned = new Set<string>();
  private readonly replyBuffer: ThrottledWarning;
  private readonly refused: ThrottledWarning;

  constructor(
    private readonly packages: RedisPackages,
    private readonly options: ResolvedRedisOptions,
    private readonly context: EngineContext,
  ) {
    this.names = new RedisNames(context, options.db);
    const warn = (message: string) => this.listener?.onWarning(message);
    this.replyBuffer = new ThrottledWarning(
      warn,
      hostTime,
      (count, reason) => `Redis did not accept ${count} message(s), which are lost; the last error: ${reason}`,
    );
    this.refused = new ThrottledWarning(warn, hostTime, (count, reason) =>
      count === 1 ? reason : `${reason} (${count} times)`,
    );
  }

  get isConnected(): boolean {
    return this.link?.isUp ?? false;
  }

  get trouble(): string | undefined {
    return this.link?.trouble ?? this.lastTrouble;
  }

  async connect(listener: EngineListener): Promise<void> {
    this.listener = listener;
    const link = new RedisLink(this.packages, this.options, this.context.client, {
      prepare: (commands, subscriber) => this.prepare(commands, subscriber),
      up: () => this.up(),
      down: (reason) => this.down(reason),
      onMessage: (channel, message) => this.dispatch(channel, message),
      warn: (message) => this.refused.due(message),
    });
    this.link = link;
    try {
      await link.open();
    } catch (error) {
      link.close();
      this.lastTrouble = link.trouble;
      this.link = undefined;
      this.queues.clear();
      throw error;
    }
  }

  publish(subject: string, message: Uint8Array): void {
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    this.client()
      .publish(this.names.channel(subject), bytes)
      .catch((error: Error) => this.isConnected && this.replyBuffer.due(error.message));
  }

  async flush(): Promise<void> {
    await Promise.all([this.client().ping(), ...this.pending]);
  }

  subscribe(subject: string, receive: Receiver): () => void {
    return this.listen(this.names.channel(subject), receive);
  }

  store(name: string, ttl: number): Store {
    return new RedisStore(() => this.client(), this.names, name, ttl);
  }

  async enqueue(queue: string, id: string, message: Uint8Array): Promise<boolean> {
    this.client();
    return this.using(queue, (known) => known.enqueue(id, message));
  }

  async withdraw(queue: string, id: string): Promise<void> {
    this.client();
    await this.using(queue, (known) => known.withdraw(id));
  }

  work(queue: string, lease: number, receive: (task: LeasedTask) => void): QueueWorker {
    let used: UsedQueue | undefined;
    const worker = new RedisQueueWorker(
      {
        queue: () => (this.isConnected ? (used ??= this.use(queue)).queue : undefined),
        idOf: (job) => this.names.idOfJob(job),
        warn: (message) => this.refused.due(message),
      },
      lease,
      receive,
    );
    this.workers.add(worker);
    const unlisten = this.listen(this.names.wake(queue), () => worker.wake());
    if (this.isConnected) worker.connected();
    const stop = () => {
      unlisten();
      const forget = () => {
        this.workers.delete(worker);
        if (used !== undefined) this.leaveQueue(used);
      };
      worker.retire().then(forget, forget);
    };
    return { grant: (tasks) => worker.grant(tasks), stop };
  }

  async close(): Promise<void> {
    const { link } = this;
    if (link === undefined) return;
    const leave = async () => {
      await Promise.all([...this.workers].map((worker) => worker.close()));
      await Promise.all([...this.queues.values()].map(({ queue }) => queue.close()));
      if (link.isUp) await this.flush();
    };
    // A task that cannot be returned to Redis any more becomes free when its lease ends.
    await Promise.race([leave().catch(() => undefined), sleep(LAST_FLUSH, undefined, { ref: false })]);
    link.close();
  }

  // ---- the connection

  /** @throws NotConnectedError */
  private client(): ScriptedRedis {
    if (this.link?.isUp) return this.link.commands;
    const why = this.trouble === undefined ? '' : ` (${this.trouble})`;
    throw new NotConnectedError(
      `Redis cannot be reached just now${why}. The connection is tried for ever: call again later.`,
    );
  }

  private async using<T>(name: string, work: (queue: RedisQueue) => Promise<T>): Promise<T> {
    const used = this.use(name);
    try {
      return await work(used.queue);
    } finally {
      this.leaveQueue(used);
    }
  }

  private use(name: string): UsedQueue {
    let used = this.queues.get(name);
    if (used === undefined)
      used = { queue: new RedisQueue(this.packages, this.link!.commands, this.names, name), uses: 0 };
    else this.queues.delete(name);
    this.queues.set(name, used);
    used.uses += 1;
    return used;
  }

  private leaveQueue(used: UsedQueue): void {
    used.uses -= 1;
    if (this.queues.size <= MOST_IDLE_QUEUES) return;
    for (const [name, { queue, uses }] of this.queues) {
      if (uses > 0) continue;
      this.queues.delete(name);
      queue.close().catch(() => undefined);
      break;
    }
  }

  private async prepare(commands: ScriptedRedis, subscriber: Redis): Promise<void> {
    for (const warning of await checkServer(commands, this.link!.address)) this.warnOnce(warning);
    const channels = [...this.receivers.keys()];
    if (channels.length > 0) await subscriber.subscribe(...channels);
  }

  private up(): void {
    for (const worker of this.workers) worker.reconnected();
    this.listener?.onConnected();
  }

  private down(reason: string): void {
    this.pending.clear();
    for (const worker of this.workers) worker.disconnected();
    this.listener?.onDisconnected(reason);
  }

  private warnOnce(message: string): void {
    if (this.warned.has(message)) return;
    this.warned.add(message);
    this.listener?.onWarning(message);
  }

  // ---- receiving

  private listen(channel: string, receive: Receiver): () => void {
    const own: Receiver = (message) => receive(message);
    let receivers = this.receivers.get(channel);
    if (receivers === undefined) {
      receivers = new Set();
      this.receivers.set(channel, receivers);
      this.resubscribe(({ subscriber }) => subscriber.subscribe(channel));
    }
    receivers.add(own);
    return () => {
      receivers.delete(own);
      if (receivers.size > 0 || this.receivers.get(channel) !== receivers) return;
      this.receivers.delete(channel);
      this.resubscribe(({ subscriber }) => subscriber.unsubscribe(channel));
    };
  }

  /** Changes a subscription. If that fails, the connection is renewed, and the new one makes the change. */
  private resubscribe(change: (link: RedisLink) => Promise<unknown>): void {
    const { link } = this;
    // While a connection is being prepared, it may have subscribed to an earlier set of channels.
    if (link === undefined || link.subscriber.status !== 'ready') return;
    const told = change(link).catch((error: Error) => {
      if (link.isUp) link.renew(`a subscription failed: ${error.message}`);
      throw error;
    });
    this.pending.add(told);
    const done = () => void this.pending.delete(told);
    told.then(done, done);
  }

  private dispatch(channel: string, message: Buffer): void {
    for (const receive of this.receivers.get(channel) ?? []) receive(message);
  }
}
