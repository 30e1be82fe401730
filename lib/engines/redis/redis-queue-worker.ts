import { randomBytes } from 'node:crypto';
import type { Job, Worker } from 'bullmq';
import type { LeasedTask, QueueWorker } from '../../bus/engine.interface.js';
import { lookInterval, messageOf, type RedisQueue } from './redis-queue.js';

/** Delay before another attempt when Redis refuses, in ms. */
const RETRY_DELAY = 500;

/** A waiting worker looks for tasks by itself once per this many checks for tasks whose lease has ended. */
const LOOKS_PER_TAKE = 10;

/** BullMQ's error codes: the task does not exist; its lease has ended; it is not handed out; another worker has it. */
const GONE = -1;
const LEASE_ENDED = -2;
const NOT_OUT = -3;
const ANOTHERS = -6;

export interface RedisQueueContext {
  /** The queue; undefined while there is no connection. */
  readonly queue: () => RedisQueue | undefined;
  readonly idOf: (job: string) => string;
  readonly warn: (message: string) => void;
}

/** Takes tasks of one queue when it is told that there are some: one at a time, and only as many as were granted. */
export class RedisQueueWorker implements QueueWorker {
  private readonly self = randomBytes(6).toString('hex');
  private credits = 0;
  private takes = 0;
  private looks = 0;
  private consumer: { readonly queue: RedisQueue; readonly worker: Worker } | undefined;
  private taking: Promise<void> | undefined;
  private isWoken = false;
  private timer: NodeJS.Timeout | undefined;
  private state: 'open' | 'stopped' | 'closed' = 'open';

  constructor(
    private readonly context: RedisQueueContext,
    private readonly lease: number,
    private readonly receive: (task: LeasedTask) => void,
  ) {}

  grant(tasks: number): void {
    this.credits += tasks;
    this.wake();
  }

  stop(): void {
    if (this.state === 'open') this.state = 'stopped';
    clearTimeout(this.timer);
  }

  /** Takes no more tasks. Resolves when no task is on the way any more and BullMQ has released the connection. */
  async retire(): Promise<void> {
    this.stop();
    await this.taking;
    await this.consumer?.worker.close(true);
  }

  /** Stops; tasks that are on the way go back into their queue. */
  async close(): Promise<void> {
    this.state = 'closed';
    await this.retire();
  }

  /**
   * @param grace how long workers may take to extend leases that ended while Redis was away, in ms
   */
  connected(grace = 0): void {
    this.wake();
    this.lookLater(grace);
  }

  /**
   * Redis is back. A worker extends its lease four times per lease, so it gets two chances before its tasks are taken
   * away.
   */
  reconnected(): void {
    this.connected(this.lease / 2);
  }

  disconnected(): void {
    clearTimeout(this.timer);
  }

  /** Called when there may be a task. */
  wake(): void {
    if (this.taking !== undefined) {
      this.isWoken = true;
      return;
    }
    if (this.state !== 'open' || this.credits === 0) return;
    this.taking = this.take().finally(() => {
      this.taking = undefined;
      if (this.isWoken) this.wake();
    });
  }

  private async take(): Promise<void> {
    this.isWoken = false;
    try {
      while (this.state === 'open' && this.credits > 0) {
        const queue = this.context.queue();
        if (queue === undefined || !(await this.takeOne(queue))) return;
      }
    } catch (error) {
      this.refused('hand out tasks', error as Error);
    }
  }

  private async takeOne(queue: RedisQueue): Promise<boolean> {
    const token = `${this.self}-${(this.takes += 1)}`;
    // If the answer is lost, the task is lost until its lease ends, but the grant is not used up.
    const job = await this.bullWorkerOf(queue).getNextJob(token, { block: false });
    if (job === undefined) return false;
    const task = new RedisTask(job, token, queue, this.context.idOf(job.id!), this.lease);
    if (this.state === 'closed') await task.giveBack();
    else {
      this.credits -= 1;
      this.receive(task);
    }
    return true;
  }

  private bullWorkerOf(queue: RedisQueue): Worker {
    if (this.consumer?.queue !== queue) this.consumer = { queue, worker: queue.consumer(this.lease) };
    return this.consumer.worker;
  }

  private lookLater(grace = 0): void {
    clearTimeout(this.timer);
    const delay = grace + lookInterval(this.lease) * (0.9 + Math.random() * 0.2);
    this.timer = setTimeout(() => void this.look(), delay);
    this.timer.unref();
  }

  /** Puts tasks whose lease has ended back into the queue. */
  private async look(): Promise<void> {
    const queue = this.context.queue();
    if (this.state !== 'open' || queue === undefined) return;
    try {
      const found = (await this.bullWorkerOf(queue).getBackend().moveStalledJobsToWait()) as readonly string[];
      if (found.length > 0) queue.wake();
      if ((this.looks += 1) % LOOKS_PER_TAKE === 0) this.wake();
    } catch (error) {
      this.refused('look for tasks whose lease has ended', error as Error);
    }
    this.lookLater();
  }

  private refused(what: string, error: Error): void {
    if (this.context.queue() === undefined || this.state !== 'open') return;
    this.context.warn(`Redis does not ${what}; it is tried again: ${error.message}`);
    setTimeout(() => this.wake(), RETRY_DELAY).unref();
  }
}

class RedisTask implements LeasedTask {
  readonly message: Uint8Array;
  readonly attempt: number;

  constructor(
    private readonly job: Job,
    private readonly token: string,
    private readonly queue: RedisQueue,
    readonly id: string,
    private readonly lease: number,
  ) {
    this.message = messageOf(job);
    this.attempt = job.attemptsStarted;
  }

  extend(): void {
    // If this fails, the lease simply ends.
    this.queue.extend(this.id, this.token, this.lease, this.attempt).catch(() => undefined);
  }

  /** Has no effect if it comes too late and another worker has the task: that worker finishes it. */
  async acknowledge(): Promise<void> {
    try {
      await this.job.moveToCompleted(null, this.token, false);
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === GONE || code === ANOTHERS) return;
      if (code === LEASE_ENDED || code === NOT_OUT) return this.queue.withdraw(this.id);
      throw error;
    }
  }

  release(): void {
    // If this fails, the lease simply ends.
    this.giveBack().catch(() => undefined);
  }

  async giveBack(): Promise<void> {
    await this.job.moveToWait(this.token);
    this.queue.wake();
  }
}
