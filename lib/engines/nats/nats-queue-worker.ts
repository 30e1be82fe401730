import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { LeasedTask, QueueWorker } from '../../bus/engine.interface.js';
import type { NatsNames } from './names.js';

/**
 * A pull that gets no task ends after this time, in ms, and is then repeated. The server considers a broken connection
 * alive for a while: tasks that it sends for such a pull are lost until their lease ends.
 */
export const PULL_TIME = 2_000;

/**
 * Interval of the server's heartbeats while a pull waits, in ms. A pull without a sign of life for two of them is lost.
 */
const PULL_HEARTBEAT = 600;

/** Delay before another attempt when the broker refuses, in ms. */
const RETRY_DELAY = 500;

/** Timeout for the broker's confirmation that a task is done, in ms. */
const CONFIRM_TIMEOUT = 2_000;

/** Status code of a reply: the pull is still waiting. */
const WAITING = 100;

/** Status codes of a reply that ends a pull: no task came in time, or there is none. */
const SERVED_OUT: ReadonlySet<number> = new Set([404, 408]);

/** Position of the delivery count in an acknowledgement's subject, counted from the end. */
const DELIVERED_FROM_END = 5;
const SHORT_ACK = 9;
/** Position in the long form, which has a domain and an account in front, and possibly a random token at the end. */
const DELIVERED_IN_LONG = 6;

export interface NatsQueueContext {
  readonly names: NatsNames;
  /** The connection; undefined while there is none. */
  readonly connection: () => NatsConnection | undefined;
  /** Creates the queue's consumer if it does not exist yet. */
  readonly prepare: () => Promise<void>;
  readonly nextSubject: string;
  readonly inbox: string;
  readonly warn: (message: string) => void;
}

/**
 * Pulls tasks of one queue with JetStream's own protocol. It makes one pull at a time, for as many tasks as were
 * granted, so that a worker never holds a task that it does not run. Core queue groups, and pulls ahead, would lose or
 * delay tasks.
 */
export class NatsQueueWorker implements QueueWorker {
  /** Negative if more tasks came than were granted; the next grants make up for it. */
  private credits = 0;
  private outstanding = 0;
  /** Numbers the pulls. The server may still serve a pull of a broken connection that it considers alive. */
  private pulls = 0;
  private subscription: Subscription | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** How many checks in a row found no sign of life of the pull. */
  private silentLooks = 0;
  private preparing = false;
  /** Whether the queue's consumer has been created once. */
  private isPrepared = false;
  private stopped = false;

  constructor(
    private readonly context: NatsQueueContext,
    private readonly receive: (task: LeasedTask) => void,
  ) {}

  grant(tasks: number): void {
    this.credits += tasks;
    this.pull();
  }

  /**
   * Tasks that are already on the way still arrive: if they were dropped, they would wait for the end of their lease.
   */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    clearTimeout(this.timer);
    // Fails if the connection is gone, but then the pull is gone, too.
    this.subscription?.drain().catch(() => undefined);
  }

  /** Called when a connection is there, for the first time or again. Earlier pulls are void. */
  connected(): void {
    this.subscription?.unsubscribe();
    this.subscription = undefined;
    this.restart();
  }

  disconnected(): void {
    clearTimeout(this.timer);
  }

  private pull(): void {
    const connection = this.context.connection();
    if (this.stopped || this.outstanding > 0 || this.credits <= 0 || connection === undefined) return;
    if (!this.isPrepared) return void this.prepare();
    this.subscription ??= this.subscribe(connection);
    this.outstanding = this.credits;
    this.credits = 0;
    const request = { batch: this.outstanding, expires: PULL_TIME * 1e6, idle_heartbeat: PULL_HEARTBEAT * 1e6 };
    this.pulls += 1;
    connection.publish(this.context.nextSubject, JSON.stringify(request), { reply: this.pullSubject });
    this.silentLooks = 0;
    this.lookLater();
  }

  /**
   * Checks twice instead of using one deadline: if this process itself was blocked, it reads what it missed in between.
   */
  private lookLater(): void {
    this.later(PULL_HEARTBEAT * 1.25, () => {
      this.silentLooks += 1;
      if (this.silentLooks < 2) this.lookLater();
      else this.restart();
    });
  }

  /**
   * Starts again after a lost pull. The queue's consumer may be lost, too, but the pull does not wait for it: the
   * leader of all of JetStream creates consumers, and existing ones may work while there is no such leader.
   */
  private restart(): void {
    this.endPull();
    void this.prepare();
    this.pull();
  }

  private async prepare(): Promise<void> {
    if (this.preparing || this.stopped || this.context.connection() === undefined) return;
    this.preparing = true;
    try {
      await this.context.prepare();
      this.isPrepared = true;
    } catch (error) {
      if (this.context.connection() !== undefined) {
        this.context.warn(`A queue could not be prepared in NATS; it is tried again: ${(error as Error).message}`);
      }
      if (!this.isPrepared) this.restartAfter(RETRY_DELAY);
    } finally {
      this.preparing = false;
    }
    if (this.isPrepared) this.pull();
  }

  private subscribe(connection: NatsConnection): Subscription {
    return connection.subscribe(`${this.context.inbox}.*`, {
      callback: (error, message) => {
        if (error) this.context.warn(`NATS refuses to hand out tasks: ${error.message}`);
        else this.onMessage(message, connection);
      },
    });
  }

  private onMessage(message: Msg, connection: NatsConnection): void {
    this.silentLooks = 0;
    if (message.subject === this.pullSubject) return this.onStatus(message);
    // A reply to an earlier pull.
    if (message.subject.startsWith(`${this.context.inbox}.`)) return;
    if (this.outstanding > 0) this.outstanding -= 1;
    else this.credits -= 1;
    this.receive(new NatsTask(message, connection, this.context.names.idOfTask(message.subject)));
    if (this.outstanding === 0) this.pull();
  }

  /** Handles a reply about the pull itself. */
  private onStatus({ headers }: Msg): void {
    const code = headers?.code ?? 0;
    if (code === WAITING) return;
    if (SERVED_OUT.has(code)) {
      this.endPull();
      return this.pull();
    }
    // 409 and 503: the consumer was deleted, or JetStream is not available now. Preparing it again solves both.
    this.context.warn(`NATS ended a pull of tasks (${code} ${headers?.description ?? ''}); it is tried again.`);
    this.restartAfter(RETRY_DELAY);
  }

  private get pullSubject(): string {
    return `${this.context.inbox}.${this.pulls}`;
  }

  private restartAfter(delay: number): void {
    this.later(delay, () => this.restart());
  }

  private later(delay: number, work: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(work, delay);
    this.timer.unref();
  }

  private endPull(): void {
    clearTimeout(this.timer);
    this.credits += this.outstanding;
    this.outstanding = 0;
  }
}

class NatsTask implements LeasedTask {
  readonly message: Uint8Array;
  readonly attempt: number;
  private readonly reply: string;

  constructor(
    message: Msg,
    private readonly connection: NatsConnection,
    readonly id: string,
  ) {
    this.message = message.data;
    this.reply = message.reply!;
    this.attempt = deliveredIn(this.reply);
  }

  extend(): void {
    this.respond('+WPI');
  }

  async acknowledge(): Promise<void> {
    await this.connection.request(this.reply, '+ACK', { timeout: CONFIRM_TIMEOUT });
  }

  release(): void {
    this.respond('-NAK');
  }

  private respond(verb: string): void {
    try {
      this.connection.publish(this.reply, verb);
    } catch {
      // The connection is closed, so the lease simply ends.
    }
  }
}

function deliveredIn(reply: string): number {
  const fields = reply.split('.');
  return Number(fields.length === SHORT_ACK ? fields.at(-DELIVERED_FROM_END) : fields[DELIVERED_IN_LONG]);
}
