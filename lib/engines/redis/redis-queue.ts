import { randomBytes } from 'node:crypto';
import type { IRedisTransaction, Job, Queue, Worker } from 'bullmq';
import { BackpressureError } from '../../errors/errors.js';
import { hostTime } from '../../platform/clock.js';
import type { RedisNames } from './names.js';
import type { RedisPackages } from './packages.js';
import type { ScriptedRedis } from './scripts.js';

/** Ids are refused twice within so long, in ms; later, the result of the first is there. */
const DUPLICATE_WINDOW = 120_000;

/** BullMQ notes what happens to tasks; nobody reads it, so that only so many notes are kept. */
const NOTES_KEPT = 100;

/** What BullMQ notes of a queue, such as its last number, is kept for so long after its last task came, in ms; said once a day. */
const NOTES_LIVE = 8 * 24 * 60 * 60_000;
const NOTES_RENEWED = 24 * 60 * 60_000;
const NOTES = ['meta', 'events', 'id', 'marker'] as const;

/** Tasks whose lease has ended are looked for so often in a lease, and so often at least, in ms. */
const LOOKS = 4;
const LONGEST_LOOK = 500;

/** A look counts for so much of the time until the next one: of many workers one looks, and a lone one always does. */
const LOOK_COUNTS = 0.8;

/** How often a task runs is not BullMQ's to decide. */
const UNLIMITED = 2 ** 31 - 1;

/** Redis' words for: there is no room. Nothing was written then. */
const NO_ROOM = /^(OOM|MISCONF)\b/;

/** How often those who work with such a lease look for tasks that are to be handed out again, in ms. */
export const lookInterval = (lease: number): number => Math.min(lease / LOOKS, LONGEST_LOOK);

/** The tasks of one event, as BullMQ keeps them. A message is kept as text, a third larger than it is. */
export class RedisQueue {
  private readonly queue: Queue;
  private readonly adder = randomBytes(6).toString('hex');
  private additions = 0;
  /** When its notes are to be kept for longer, in ms of the host's clock. */
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
    this.queue.on('error', heardElsewhere);
  }

  /**
   * @returns false where the id is known
   * @throws BackpressureError where Redis has no room
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

  /** Lets the lease of a task begin anew, where nobody else has been given it. */
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

  /** Hands for the queue, by BullMQ: they take when they are told to, one task at a time. */
  consumer(lease: number): Worker {
    const { Worker, createRedisBackend } = this.packages.bullmq;
    const options = {
      ...this.options,
      autorun: false,
      lockDuration: lease,
      stalledInterval: Math.round(lookInterval(lease) * LOOK_COUNTS),
      maxStalledCount: UNLIMITED,
    };
    // Without the connection of its own that BullMQ waits on: there would be one for each event in each process.
    const worker = new Worker(this.name, null, options, (name, opts) => createRedisBackend(name, opts));
    worker.on('error', heardElsewhere);
    return worker;
  }

  /** Tells those who work here that there is a task; who misses it looks for himself. */
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
      // The first thing that was refused is why all was.
      throw this.translated((error as { previousErrors?: Error[] }).previousErrors?.[0] ?? (error as Error));
    }
  }

  private translated(error: Error): Error {
    if (!NO_ROOM.test(error.message)) return error;
    return new BackpressureError(
      `Redis did not take the task: ${error.message} See to its memory (maxmemory) and its disk, or find out why the ` +
        `workers do not keep up.`,
    );
  }
}

/** The message of a task that was handed out; empty where somebody else put it there. */
export function messageOf({ data }: Pick<Job, 'data'>): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data, 'base64') : new Uint8Array(0);
}

function encode(message: Uint8Array): string {
  return Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString('base64');
}

/** What happens to the connection is heard from the client, once; what happens to a command, from its promise. */
function heardElsewhere(): void {}
