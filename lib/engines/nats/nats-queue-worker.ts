import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { LeasedTask, QueueWorker } from '../../bus/engine.interface.js';
import type { NatsNames } from './names.js';

/**
 * A pull that is not served ends by itself after so long, in ms, and is made anew. A server takes a connection that was cut
 * for alive: what it hands into its pull goes nowhere.
 */
export const PULL_TIME = 2_000;

/** While a pull waits the server says so each so many ms. A pull that nothing is heard of for two of these is lost. */
const PULL_HEARTBEAT = 600;

/** Time between two tries where the broker refuses, in ms. */
const RETRY_DELAY = 500;

/** How long the broker may take to confirm that a task is done, in ms. */
const CONFIRM_TIMEOUT = 2_000;

/** What a pull's reply says while it waits. */
const WAITING = 100;

/** What a pull's reply says about its end: nothing came in time, or there is nothing. */
const SERVED_OUT: ReadonlySet<number> = new Set([404, 408]);

/** Fields of an acknowledgement's subject, from its end. */
const DELIVERED_FROM_END = 5;
const SHORT_ACK = 9;
/** With a domain and an account before, and maybe a token of chance behind. */
const DELIVERED_IN_LONG = 6;

export interface NatsQueueContext {
  readonly names: NatsNames;
  /** The connection, while there is one. */
  readonly connection: () => NatsConnection | undefined;
  /** Makes the queue's consumer where it is not there yet. */
  readonly prepare: () => Promise<void>;
  readonly nextSubject: string;
  readonly inbox: string;
  readonly warn: (message: string) => void;
}

/**
 * Pulls tasks of one queue by JetStream's own protocol: one pull at a time, for as many as were granted, so that a
 * worker never has a task that it does not run. Core queue groups, and pulls ahead, would lose or delay tasks.
 */
export class NatsQueueWorker implements QueueWorker {
  /** Below 0 where more came than was granted: what is granted next pays for it. */
  private credits = 0;
  private outstanding = 0;
  /** Numbers the pulls: one of a connection that is gone, and that the server takes for alive, may still be served. */
  private pulls = 0;
  private subscription: Subscription | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** How often in a row nothing was heard of the pull. */
  private silentLooks = 0;
  private preparing = false;
  /** The queue's consumer was there once. */
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

  /** What was handed out already arrives yet: dropped, it would wait for the end of its lease. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    clearTimeout(this.timer);
    // Fails with a connection that is gone, and the pull with it.
    this.subscription?.drain().catch(() => undefined);
  }

  /** The connection is there, again or for the first time: what was pulled before is void. */
  connected(): void {
    this.subscription?.unsubscribe();
    this.subscription = undefined;
    this.anew();
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

  /** Looks, not one deadline: where this process was blocked itself, what it missed is read between two of them. */
  private lookLater(): void {
    this.later(PULL_HEARTBEAT * 1.25, () => {
      this.silentLooks += 1;
      if (this.silentLooks < 2) this.lookLater();
      else this.anew();
    });
  }

  /**
   * The pull is lost; the queue's consumer may be, too. Pulling does not wait for that: consumers are made by the leader of
   * all of JetStream, and may be served while there is none.
   */
  private anew(): void {
    this.over();
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
      if (!this.isPrepared) this.again(RETRY_DELAY);
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
    // About an earlier one.
    if (message.subject.startsWith(`${this.context.inbox}.`)) return;
    if (this.outstanding > 0) this.outstanding -= 1;
    else this.credits -= 1;
    this.receive(new NatsTask(message, connection, this.context.names.idOfTask(message.subject)));
    if (this.outstanding === 0) this.pull();
  }

  /** A word about the pull itself. */
  private onStatus({ headers }: Msg): void {
    const code = headers?.code ?? 0;
    if (code === WAITING) return;
    if (SERVED_OUT.has(code)) {
      this.over();
      return this.pull();
    }
    // 409 and 503: the consumer was deleted, or JetStream is not there just now. Made anew, it begins again.
    this.context.warn(`NATS gave up a pull of tasks (${code} ${headers?.description ?? ''}); it is tried again.`);
    this.again(RETRY_DELAY);
  }

  private get pullSubject(): string {
    return `${this.context.inbox}.${this.pulls}`;
  }

  private again(delay: number): void {
    this.later(delay, () => this.anew());
  }

  private later(delay: number, work: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(work, delay);
    this.timer.unref();
  }

  private over(): void {
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

  private respond(word: string): void {
    try {
      this.connection.publish(this.reply, word);
    } catch {
      // The connection is closed: the lease ends by itself.
    }
  }
}

function deliveredIn(reply: string): number {
  const fields = reply.split('.');
  return Number(fields.length === SHORT_ACK ? fields.at(-DELIVERED_FROM_END) : fields[DELIVERED_IN_LONG]);
}
