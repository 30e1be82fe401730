import { randomBytes } from 'node:crypto';
import type { IRedisTransaction, Job, Queue, Worker } from 'bullmq';
import { BackpressureError } from '../../errors/errors.js';
import { hostTime } from '../../platform/clock.js';
import type { RedisNames } from './names.js';
import type { RedisPackages } from './packages.js';
import type { ScriptedRedis } from './scripts.js';

/** How long a duplicate id is refused, in ms; after that, the result of the first task is there. */
const DUPLICATE_WINDOW = 120_000;

/** BullMQ logs events of tasks; nobody reads that log, so only this many entries are kept. */
const NOTES_KEPT = 100;

/**
 * How long BullMQ's own keys of a queue are kept after the last task was added, and how often that is renewed, in ms.
 */
const NOTES_LIVE = 8 * 24 * 60 * 60_000;
const NOTES_RENEWED = 24 * 60 * 60_000;
const NOTES = ['meta', 'events', 'id', 'marker'] as const;

/** How often per lease to check for tasks whose lease has ended, and the longest interval between two checks, in ms. */
const LOOKS = 4;
const LONGEST_LOOK = 500;

/**
 * A check blocks others for this share of the interval: one of many workers checks, and a single worker always does.
 */
const LOOK_COUNTS = 0.8;

/** The messenger limits how often a task runs, not BullMQ. */
const UNLIMITED = 2 ** 31 - 1;

/** Redis' error texts for: there is no room. In that case nothing was written. */
const NO_ROOM = /^(OOM|MISCONF)\b/;

/** The interval at which workers with this lease check for tasks that must be handed out again, in ms. */
export const lookInterval = (lease: number): number => Math.min(lease / LOOKS, LONGEST_LOOK);

/** The tasks of one event, kept by BullMQ. A message is kept as text, which takes a third more bytes. */
export class RedisQueue {
  private readonly queue: Queue;
  private readonly adder = randomBytes(6).toString('hex');
  private additions = 0;
  /** When the expiry of BullMQ's own keys must be renewed, in ms of the host's clock. */
  private notesDue = -Infinity;

  constructor(
    private readonly packages: RedisPackages,
    private readonly client: ScriptedRedis,
    private readonly names: RedisNames,
    private readonly name: string,
  ) {
    this.queue = new packages.bullmq.Queue(name, {
      ...this.options,
      streams: { events: { maxLen: NOTES_KEPT } },
    });
    this.queue.on('error', reportedElsewhere);
  }

  /**
   * @returns false if the id is already known
   * @throws BackpressureError if Redis has no room
   */
  async enqueue(id: string, message: Uint8Array): Promise<boolean> {
    const { Job } = this.packages.bullmq;
    const job = this.names.job(id);
    const addition = `${this.adder}-${(this.additions += 1)}`;
    const transaction = (await this.queue.getBackend().client).multi();
    const task = new Job(this.queue, addition, encode(message), { jobId: job, removeOnComplete: true }, job);
    await task.addJob(transaction);
    const notes = NOTES.map((name) => this.queue.toKey(name));
    const keys = [this.queue.toKey(job), this.names.known(this.name, id), this.queue.toKey('wait'), ...notes];
    const now = hostTime();
    const notesLive = now < this.notesDue ? 0 : NOTES_LIVE;
    transaction.runCommand('clusterAdmit', [...keys, addition, job, DUPLICATE_WINDOW, notesLive]);
    const [added, admitted] = await this.execute(transaction);
    const error = added?.[0] ?? admitted?.[0];
    if (error) throw this.translated(error);
    if (notesLive > 0) this.notesDue = now + NOTES_RENEWED;
    this.wake();
    return admitted?.[1] === 1;
  }

  /** Restarts the lease of a task, unless another worker has got the task. */
  async extend(id: string, token: string, lease: number, attempt: number): Promise<void> {
    const job = this.names.job(id);
    const key = (name: string) => this.queue.toKey(name);
    const keys = [key(job), key(`${job}:lock`), key('active'), key('stalled')] as const;
    await this.client.clusterExtend(...keys, job, token, lease, attempt);
  }

  async withdraw(id: string): Promise<void> {
    const job = this.names.job(id);
    const key = (name: string) => this.queue.toKey(name);
    await this.client.clusterWithdraw(key(job), key(`${job}:lock`), key('wait'), key('active'), key('stalled'), job);
  }

  /** A BullMQ worker for the queue, which takes one task at a time, and only when it is told to. */
  consumer(lease: number): Worker {
    const { Worker, createRedisBackend } = this.packages.bullmq;
    const options = {
      ...this.options,
      autorun: false,
      lockDuration: lease,
      stalledInterval: Math.round(lookInterval(lease) * LOOK_COUNTS),
      maxStalledCount: UNLIMITED,
    };
    // Not BullMQ's own blocking connection: there would be one for each event in each process.
    const worker = new Worker(this.name, null, options, (name, opts) => createRedisBackend(name, opts));
    worker.on('error', reportedElsewhere);
    return worker;
  }

  /**
   * Tells the queue's workers that there is a task. A worker that misses the message looks for tasks by itself later.
   */
  wake(): void {
    this.client.publish(this.names.wake(this.name), '').catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.queue.close();
  }

  private get options() {
    return { connection: this.client, prefix: this.names.tasks, skipVersionCheck: true };
  }

  private async execute(transaction: IRedisTransaction): Promise<[Error | null, unknown][]> {
    try {
      return (await transaction.exec()) ?? [];
    } catch (error) {
      // The first refused command is the reason why the transaction failed.
      throw this.translated((error as { previousErrors?: Error[] }).previousErrors?.[0] ?? (error as Error));
    }
  }

  private translated(error: Error): Error {
    if (!NO_ROOM.test(error.message)) return error;
    return new BackpressureError(
      `Redis did not accept the task: ${error.message} Check its memory (maxmemory) and its disk, or find out why ` +
        `the workers do not keep up.`,
    );
  }
}

/** The message of a task that was handed out; empty if the job was not added by this package. */
export function messageOf({ data }: Pick<Job, 'data'>): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data, 'base64') : new Uint8Array(0);
}

function encode(message: Uint8Array): string {
  return Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString('base64');
}

/** Connection errors are handled once, by the client; errors of a command are handled by its promise. */
function reportedElsewhere(): void {}
