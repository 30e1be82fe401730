import { ClusterOptionsError, NotConnectedError, PayloadTooLargeError } from '../errors/errors.js';
import { type Clock, sleep, hostTime } from '../platform/clock.js';
import { ThrottledWarning } from '../platform/throttled-warning.js';
import {
  type Answer,
  type Bus,
  type BusReceiver,
  type Claim,
  type Member,
  type MemberId,
  type MemberLoad,
  type Outcome,
  PRIMARY_ID,
  type Request,
  type ServedEvent,
  type Task,
  type TaskRequest,
  type Waiter,
  DeliveryRefused,
} from '../bus/bus.interface.js';
import { requestEach } from '../bus/calls/request-each.js';
import type { Engine } from '../bus/engine.interface.js';
import { Loopback } from '../bus/calls/loopback.js';
import { ANSWER_KEPT, StoreClaims } from './leases/store-claims.js';
import {
  type ConclusionHeader,
  EVERYONE,
  type DirectMessage,
  MEMBERS,
  type PublishHeader,
  type MemberBroadcast,
} from './messages.js';
import { DeadLetters } from './tasks/dead-letters.js';
import { Demand } from './demand.js';
import { Holders } from './leases/holders.js';
import { LEADER_HEARD, LEADER_LEASE, Leadership } from './leases/leader-election.js';
import type { MemberInfo } from './membership.js';
import { Newest } from './newest.js';
import { SendWindow } from './send-window.js';
import { BROKER_SILENT_AFTER, type Identity, Presence } from './presence.js';
import { Requests } from './requests.js';
import { untilDone } from './retry.js';
import { directMessage, publication, result, broadcastMessage } from './shapes.js';
import { type Fields, pack, Reader } from './envelope.js';
import { type ResultListening, TaskCaller } from './tasks/task-caller.js';
import { DEAD_LETTER_KEPT, inboxOf, RESULT_KEPT } from './tasks/task-message.js';
import { TaskRunner } from './tasks/task-runner.js';
import { ReplyBuffer } from './reply-buffer.js';
import { WireClock } from './wire-time.js';

/** Bytes of a message that are reserved for its header; each name in it may take up to 1 KiB. */
export const HEADER_ROOM = 8 * 1024;

/** How long the start waits for members to introduce themselves, in ms; each of them answers at once. */
const FIRST_WORDS = 100;

/**
 * Delay between the message that a member leaves and its first refusal of a request, in ms: until then it still takes
 * what others sent before they heard.
 */
const GOAWAY_DELAY = 150;

/** How long `close` waits for the results of finished work to be written down, in ms. */
const CLOSE_TIMEOUT = 5_000;

const NOTHING = new Uint8Array(0);

/** How long the first connection may take before the broker counts as unreachable, in ms. */
const AWAY_AFTER = 1_000;

/** How a process starts when its broker is unreachable or refuses the connection. */
export interface Contact {
  /** How long the start waits for the broker, in ms; after that it goes on without. */
  readonly patience: number;
  /** Whether the primary of this host has reached the broker: if it has not, the start does not wait. */
  readonly isReachable?: Promise<boolean>;
  /** Whether a permanent refusal by the broker, such as for wrong credentials, ends the start. */
  readonly endsWithRefusal: boolean | Promise<boolean>;
  /** Called if such a refusal comes after the start has gone on without the broker. */
  readonly refused?: (error: Error) => void;
}

export interface DistributedBusOptions {
  readonly contact: Contact;
  /** Largest payload, in bytes. */
  readonly maxPayload: number;
  /** How many bytes may wait to be sent to the broker. */
  readonly queueLimit: number;
  /** How long a worker that runs a task or holds a claim may give no sign of life, in ms. */
  readonly lease: number;
  readonly clock: Clock;
  readonly warn: (message: string) => void;
  readonly log: (message: string) => void;
  /** The load that is sent with every heartbeat. */
  readonly load?: (() => MemberLoad | undefined) | undefined;
}

/**
 * The bus between hosts, over any engine: every worker and every primary is a member of its own. The supervisor's
 * decisions (which worker is ready or leaves, how many slots there are) still arrive over the local bus of the host,
 * which then carries nothing else.
 */
export class DistributedBus implements Bus {
  readonly maxPayload: number;
  readonly drained: Promise<void>;
  readonly self: Bus['self'];
  slots = 0;
  readonly deadLetters: DeadLetters;
  private readonly leadership: Leadership;
  private readonly presence: Presence;
  private readonly sendWindow: SendWindow;
  private readonly replyBuffer: ReplyBuffer;
  private readonly caller: TaskCaller;
  private readonly runner: TaskRunner;
  private readonly demand: Demand;
  private readonly claims: StoreClaims;
  private readonly holders: Holders;
  private readonly requests: Requests;
  private readonly loopback = new Loopback();
  private readonly subscriptions: (() => void)[] = [];
  private readonly clock: Clock;
  private readonly reader: Reader;
  private receiver: BusReceiver | undefined;
  private publications = 0;
  private readonly newest = new Newest();
  private told: string | undefined;
  private isDrained = false;
  private resolveDrained!: () => void;
  private closed: string | undefined;
  private closing: Promise<void> | undefined;
  private firstContact: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly engine: Engine,
    /** The bus within this host, over which the supervisor announces its decisions. */
    private readonly local: Bus,
    private readonly identity: Identity,
    private readonly options: DistributedBusOptions,
  ) {
    const { clock, warn, lease, queueLimit } = options;
    const { id, address, primary, generation } = identity;
    const times = new WireClock(primary);
    this.reader = new Reader(engine.name, warn);
    this.clock = clock;
    this.maxPayload = options.maxPayload;
    this.self = { id: this.isPrimary ? PRIMARY_ID : id, address, generation, primary };
    this.drained = new Promise((resolve) => (this.resolveDrained = resolve));
    const condition = {
      isConnected: () => engine.isConnected,
      load: () => options.load?.(),
      leaderToken: () => this.leaderToken,
    };
    this.presence = new Presence(identity, condition, clock, lease, {
      broadcast: (message) => this.broadcast(message),
      askInfo: (member) => this.write(member, { type: 'discover', fromId: id }),
      sendInfo: (member, info) => this.write(member, { type: 'info', info }),
      onMembers: () => this.announceMembers(),
      onLost: (info) => this.lost(info),
      onBack: (member) => this.requests.back(member),
      onSilence: () => this.cutOff(`${engine.name} gives no sign of life for ${BROKER_SILENT_AFTER} ms`),
      onHeardAgain: () => this.onHeardAgain(),
    });
    this.sendWindow = new SendWindow(() => engine.flush(), queueLimit);
    this.replyBuffer = new ReplyBuffer(queueLimit, warn);
    this.requests = new Requests(
      identity,
      {
        send: (event, subject, message, isWanted) =>
          this.sendWindow.pass(event, message.length, () => isWanted() && engine.publish(subject, message)),
        isAway: (member) => this.presence.isAway(member),
        answer: (subject, message) => this.post(subject, message) || this.replyBuffer.keep(subject, message),
      },
      this.loopback,
      () => !this.isDrained && this.presence.state !== 'booting',
      (request) => this.receiver!.onRequest(request),
    );
    const results = engine.store('results', RESULT_KEPT);
    const dead = engine.store('dead-letters', DEAD_LETTER_KEPT);
    const want = (event: string) => this.broadcast({ type: 'wanted', event, fromId: id });
    const remind = (event: string) => void (this.presence.served(event) === 'yes' || want(event));
    this.deadLetters = new DeadLetters(engine, dead, this.reader, times, remind);
    const isLed = () => this.presence.isLed(LEADER_HEARD);
    this.leadership = new Leadership(engine.store('leader', LEADER_LEASE), String(id), clock, isLed);
    const abandon = (task: string) => this.broadcast({ type: 'abandon', task });
    const join: ResultListening = (subject, take) => this.listen(subject, result, take);
    const from = { address, id, times };
    this.caller = new TaskCaller(engine, results, from, clock, abandon, join, this.reader, remind, warn);
    this.demand = new Demand(clock, want);
    const self = { address, id, name: this.name, times };
    this.runner = new TaskRunner(engine, { results, dead }, self, lease, clock, this.reader, {
      onTask: (task) => this.receiver!.onTask(task),
      onAbandoned: (task) => this.receiver!.onAbandoned(task),
      warn,
      isServed: (event) => {
        this.demand.forget(event);
        return this.isServed(event);
      },
      isUnsettled: () => this.presence.isUnsettled,
      isMember: (member) => this.presence.knows(member),
      askWhoRuns: (task) => this.broadcast({ type: 'who-runs', task, fromId: id }),
    });
    const stores = { claims: engine.store('claims', lease), answers: engine.store('answers', ANSWER_KEPT) };
    const conclude = (header: ConclusionHeader, payload: Uint8Array) =>
      this.broadcast({ type: 'concluded', ...header }, payload);
    const kept = (answers: readonly string[]) => this.broadcast({ type: 'kept', answers, fromId: id });
    this.holders = new Holders(clock, this.presence, (key) => this.broadcast({ type: 'who-holds', key, fromId: id }));
    this.claims = new StoreClaims(stores, from, lease, clock, conclude, kept, this.holders, this.reader, warn);
  }

  get members(): readonly Member[] {
    return this.presence.members;
  }

  /** Whether the broker is connected. */
  get isConnected(): boolean {
    return this.engine.isConnected;
  }

  /** As `isConnected`, but first waits until the first attempt to connect has ended, for a second at most. */
  async isReachable(): Promise<boolean> {
    await this.firstContact;
    return this.engine.isConnected;
  }

  /** How many messages from the broker could not be read. */
  get unreadable(): number {
    return this.reader.dropped;
  }

  /** The fencing token of this worker while it leads all hosts; undefined while it does not. */
  get leaderToken(): number | undefined {
    return this.leadership.token;
  }

  // ---- the connection

  async open(receiver: BusReceiver): Promise<void> {
    if (this.receiver !== undefined) throw new Error('The bus is open already.');
    this.receiver = receiver;
    this.subscriptions.push(
      this.listen(MEMBERS, broadcastMessage, (said, bytes) => this.onMessage(said, bytes)),
      this.listen(EVERYONE, publication, (header, bytes) => this.published(header, bytes)),
      this.listen(inboxOf(this.identity.id), directMessage, (said, bytes) => this.addressed(said, bytes)),
    );
    await this.contact();
    this.presence.begin();
    await this.openLocal();
    if (this.engine.isConnected) await sleep(this.clock, FIRST_WORDS);
    if (this.closed !== undefined) throw this.notConnected();
    if (this.isPrimary) this.presence.become('ready');
    this.announceMembers();
  }

  /**
   * A refusal ends the first start of a cluster. In a cluster that already runs, a new process starts without the
   * broker, as the other processes run without it.
   */
  private async contact(): Promise<void> {
    const { patience, isReachable, endsWithRefusal, refused } = this.options.contact;
    const connect = () =>
      this.engine.connect({
        onConnected: () => this.connected(),
        onDisconnected: (reason) => this.disconnected(reason),
        onWarning: (message) => this.options.warn(message),
      });
    const said = new ThrottledWarning(this.options.warn, hostTime, (_count, message) => message);
    let isLate = false;
    const connecting = connect().catch(async (error: Error) => {
      const isForGood = error instanceof ClusterOptionsError;
      if (isForGood && (await endsWithRefusal) && !isLate) throw error;
      said.due(error.message);
      const failed = ({ message }: Error) => said.due(message);
      void untilDone(this.clock, () => this.closed !== undefined, connect, failed);
      if (isForGood && isLate) refused?.(error);
    });
    const away = sleep(this.clock, AWAY_AFTER).then(() => this.warnIfAway());
    this.firstContact = Promise.race([connecting, away]).catch(() => undefined);
    await Promise.race([connecting, sleep(this.clock, patience), foundToBeAway(isReachable)]);
    isLate = true;
  }

  private warnIfAway(): void {
    if (this.engine.isConnected || this.closed !== undefined) return;
    this.options.warn(
      `${this.engine.name} is not reachable${this.trouble}. The application runs without: messenger calls are refused ` +
        `until the connection is there. It is tried for ever.`,
    );
  }

  close(): Promise<void> {
    this.closing ??= this.shut();
    return this.closing;
  }

  async flush(): Promise<void> {
    await this.engine.flush();
  }

  /**
   * The supervisor of this host reports that a worker has ended, so that other members need not wait for its silence.
   */
  addTombstone(id: MemberId): void {
    this.broadcast({ type: 'disconnect', id });
  }

  // ---- what goes out

  serve(events: readonly ServedEvent[]): void {
    this.runner.serve(events);
    const listed = events.filter(({ onDemand }) => !onDemand);
    this.presence.serve(listed, listed.length < events.length);
  }

  publish(event: string, payload: Uint8Array): Promise<void> {
    const refusal = this.refusal(event, payload);
    if (refusal !== undefined) return Promise.reject(refusal);
    const { id: fromId, address: from } = this.identity;
    const id = (this.publications = (this.publications + 1) >>> 0);
    const header: PublishHeader = { id, event, from, fromId };
    const message = pack(header, payload);
    return this.sendWindow.pass(event, message.length, () => {
      this.engine.publish(EVERYONE, message);
      this.loopback.push(() => this.receiver!.onPublish({ event, payload, from, id }));
    });
  }

  request(to: MemberId, event: string, payload: Uint8Array, deadline: number, waiter: Waiter<Answer>): void {
    const refusal = this.refusal(event, payload);
    if (refusal !== undefined) return waiter.reject(refusal);
    const member = to === PRIMARY_ID ? this.identity.primary : to;
    const isKnown = to === PRIMARY_ID || to === this.identity.id || this.presence.knows(to);
    if (!isKnown) {
      return waiter.reject(new DeliveryRefused('The member is gone.'));
    }
    this.requests.request(member, event, payload, deadline, waiter);
  }

  requestEach(
    to: readonly MemberId[],
    event: string,
    payload: Uint8Array,
    deadline: number,
    waiters: readonly Waiter<Answer>[],
  ): void {
    requestEach(this, to, event, payload, deadline, waiters);
  }

  reply(request: Request, outcome: Outcome, payload: Uint8Array): void {
    this.checkSize(request.event, payload);
    this.requests.reply(request, outcome, payload);
  }

  enqueue(task: TaskRequest, waiter: Waiter<Answer>): void {
    const refusal = this.refusal(task.event, task.payload);
    if (refusal !== undefined) return waiter.reject(refusal);
    const served = this.presence.served(task.event);
    if (served === 'yes' || served === 'unknown') return this.caller.call(task, waiter);
    const refuse = () => waiter.resolve({ outcome: 'no-handler', payload: NOTHING, slot: this.identity.address });
    if (served === 'no') return refuse();
    let isOver = false;
    waiter.cancel = () => (isOver = true);
    void this.isServed(task.event).then((isServed) => {
      if (isOver) return;
      waiter.cancel = undefined;
      if (isServed) return this.caller.call(task, waiter);
      // If the broker went away in the meantime, no member could answer.
      const lost = this.refusal(task.event, task.payload);
      if (lost === undefined) refuse();
      else waiter.reject(lost);
    });
  }

  /**
   * Whether some ready worker runs tasks of the event. If none lists it, the workers that serve unlisted events are
   * asked.
   */
  private async isServed(event: string): Promise<boolean> {
    const served = this.presence.served(event);
    return served === 'maybe' ? this.demand.isServed(event, this.presence.servingMore()) : served === 'yes';
  }

  progress(task: Task, payload: Uint8Array): Promise<void> {
    const refusal = this.refusal(task.event, payload);
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.sendWindow.pass(task.event, payload.length, () => this.runner.progress(task, payload));
  }

  settle(task: Task, outcome: Outcome, payload: Uint8Array): void {
    this.checkSize(task.event, payload);
    this.runner.settle(task, outcome, payload);
  }

  claim(key: string, ttl: number, waiter: Waiter<Claim>): void {
    if (this.closed !== undefined) return waiter.reject(this.notConnected());
    this.claims.claim(key, ttl, waiter);
  }

  conclude(key: string, outcome: 'ok' | 'error', payload: Uint8Array): void {
    this.checkSize(key, payload);
    this.claims.conclude(key, outcome, payload);
  }

  // ---- what comes in

  /** Every incoming message goes through the reader, which drops what it cannot read. */
  private listen<Header>(
    subject: string,
    shape: (header: Fields) => Header,
    take: (header: Header, payload: Uint8Array) => void,
  ): () => void {
    return this.engine.subscribe(subject, (message) => this.reader.take(message, shape, take));
  }

  private onMessage(message: MemberBroadcast, payload: Uint8Array): void {
    switch (message.type) {
      case 'info':
      case 'heartbeat':
      case 'discover':
      case 'disconnect':
        return this.presence.onMessage(message);
      case 'abandon':
        return this.runner.abandoned(message.task);
      case 'who-runs':
        if (this.runner.runs(message.task)) this.write(message.fromId, { type: 'runs', task: message.task });
        return;
      case 'who-holds':
        return this.write(message.fromId, {
          type: 'holds',
          key: message.key,
          isHeld: message.fromId !== this.identity.id && this.claims.holds(message.key),
          fromId: this.identity.id,
        });
      case 'wanted':
        if (this.isPrimary || this.presence.state !== 'ready') return;
        return this.write(message.fromId, {
          type: 'serving',
          event: message.event,
          isServed: this.runner.want(message.event),
          fromId: this.identity.id,
        });
      case 'kept':
        return this.claims.renewedBy(message.fromId, message.answers);
      case 'concluded':
        return this.claims.concluded(message, payload);
    }
  }

  private published({ event, from, fromId, id }: PublishHeader, payload: Uint8Array): void {
    // Its own broadcasts were delivered by the loopback. A worker that is not ready yet, or has left, is no member.
    if (fromId === this.identity.id || this.presence.state !== 'ready') return;
    if (!this.newest.isNewer(fromId, id)) return;
    this.receiver!.onPublish({ event, payload, from, id });
  }

  private addressed(letter: DirectMessage, payload: Uint8Array): void {
    switch (letter.type) {
      case 'request':
      case 'reply':
      case 'refused':
        return this.requests.onMessage(letter, payload);
      case 'result':
        return this.caller.settled(letter, payload);
      case 'progress':
        return this.caller.progressed(letter.task, payload);
      case 'runs':
        return this.runner.heardToRun(letter.task);
      case 'holds':
        return this.holders.answered(letter.key, letter.fromId, letter.isHeld);
      case 'serving':
        return this.demand.answered(letter.event, letter.fromId, letter.isServed);
      case 'discover':
        return this.presence.introduceTo(letter.fromId);
      case 'info':
        return this.presence.onMessage(letter);
    }
  }

  // ---- membership

  private get isPrimary(): boolean {
    return this.identity.worker === 0;
  }

  private get name(): string {
    const { host, address } = this.identity;
    return address === 'primary' ? `the primary of ${host}` : `slot ${address} of ${host}`;
  }

  /** The local bus carries the supervisor's messages and nothing else. */
  private async openLocal(): Promise<void> {
    const isListed = (members: readonly Member[]) => members.some(({ id }) => id === this.local.self.id);
    await this.local.open({
      onMembers: (members) => {
        this.slots = this.local.slots;
        if (this.presence.state === 'booting' && isListed(members)) this.join();
        this.announceMembers();
      },
      onPublish: () => undefined,
      onRequest: (request) => this.local.reply(request, 'no-handler', NOTHING),
      onTask: (task) => this.local.settle(task, 'no-handler', NOTHING),
      onAbandoned: () => undefined,
      onClosed: () => undefined,
    });
    this.local.serve([]);
    if (!this.isPrimary) void this.local.drained.then(() => this.leave());
  }

  /** The worker is ready: it is a member from now on. */
  private join(): void {
    this.presence.become('ready');
    this.runner.open();
    this.leadership.stand();
  }

  /** The worker is no longer a member: it takes no new task, and after a short delay no request. */
  private async leave(): Promise<void> {
    if (this.presence.state === 'leaving') return;
    this.presence.become('leaving');
    this.runner.stop();
    void this.leadership.resign();
    await sleep(this.clock, GOAWAY_DELAY);
    this.drain();
  }

  private drain(): void {
    this.isDrained = true;
    this.resolveDrained();
  }

  private onHeardAgain(): void {
    this.options.log(`${this.engine.name} is heard again.`);
    this.caller.reconnected();
    this.claims.reconnected();
  }

  private lost(info: MemberInfo): void {
    this.requests.lost(info);
    this.claims.lookAgain();
  }

  /**
   * Tells the receiver if the members, the flag of one of them, or the number of slots has changed since the last time.
   */
  private announceMembers(): void {
    const news = JSON.stringify([this.slots, this.members.map(({ id, suspect }) => [id, suspect])]);
    if (this.told === news) return;
    this.told = news;
    this.receiver?.onMembers(this.members);
  }

  // ---- messages of the engine

  private connected(): void {
    if (this.closed !== undefined) return;
    this.options.log(`Connected to ${this.engine.name}.`);
    this.presence.connected();
    for (const [subject, message] of this.replyBuffer.take()) this.post(subject, message);
    this.caller.reconnected();
    this.demand.reconnected();
    this.claims.reconnected();
  }

  private disconnected(reason: string): void {
    if (this.closed === undefined) this.cutOff(`the connection to ${this.engine.name} is lost (${reason})`);
  }

  /**
   * Answers may be lost, so calls that wait for one are rejected now. Tasks go on, because their results are written
   * down.
   */
  private cutOff(reason: string): void {
    this.options.warn(`${reason}: messenger calls are refused until it is back.`);
    this.sendWindow.reset((event) => this.notConnected(event));
    const lost = (event = '') =>
      new NotConnectedError(
        `The answer to '${event}' may be lost, and whether the call was run is unknown: ${reason}. Try again.`,
      );
    this.requests.cutOff(lost);
  }

  /** Sends a message to all members, at most once. */
  private broadcast(message: MemberBroadcast, payload?: Uint8Array): void {
    this.post(MEMBERS, pack(message, payload));
  }

  private write(to: MemberId, letter: DirectMessage, payload?: Uint8Array): void {
    this.post(inboxOf(to), pack(letter, payload));
  }

  /** Sends a message at most once. @returns whether the engine took it */
  private post(subject: string, message: Uint8Array): boolean {
    if (!this.engine.isConnected) return false;
    try {
      this.engine.publish(subject, message);
      return true;
    } catch {
      // The connection was lost after the check above.
      return false;
    }
  }

  private async shut(): Promise<void> {
    this.presence.become('leaving');
    this.runner.stop();
    const done = Promise.all([
      this.runner.close(),
      this.claims.close(() => this.notConnected()),
      this.leadership.resign(),
    ]);
    await Promise.race([done, sleep(this.clock, this.receiver === undefined ? 0 : CLOSE_TIMEOUT)]);
    this.runner.abort();
    this.claims.abort();
    this.presence.end();
    this.closed = 'it was closed';
    this.drain();
    this.sendWindow.reset((event) => this.notConnected(event));
    this.requests.close(() => this.notConnected());
    this.caller.close(() => this.notConnected());
    for (const unsubscribe of this.subscriptions.splice(0)) unsubscribe();
    await this.engine.close();
    await this.local.close();
  }

  private refusal(event: string, payload: Uint8Array): Error | undefined {
    if (this.closed !== undefined || !this.engine.isConnected || this.presence.isBrokerSilent)
      return this.notConnected(event);
    if (payload.length > this.maxPayload) return new PayloadTooLargeError(event, payload.length, this.maxPayload);
    return undefined;
  }

  private checkSize(name: string, payload: Uint8Array): void {
    if (payload.length > this.maxPayload) throw new PayloadTooLargeError(name, payload.length, this.maxPayload);
  }

  /** What is wrong with the connection, in brackets; empty if that is not known. */
  private get trouble(): string {
    const { trouble } = this.engine;
    return trouble === undefined ? '' : ` (${trouble})`;
  }

  private notConnected(event?: string): NotConnectedError {
    if (this.closed !== undefined) {
      return new NotConnectedError(
        `This process is not connected to the cluster's bus any more: ${this.closed}. Finish messenger calls before the ` +
          `app is closed.`,
      );
    }
    const what = event === undefined ? 'nothing' : `'${event}'`;
    const not = event === undefined ? 'was' : 'was not';
    return new NotConnectedError(
      `${this.engine.name} cannot be reached just now${this.trouble}, so ${what} ${not} sent. The connection is tried for ever: call ` +
        `again later, and see to the broker named in messenger.engine.`,
    );
  }
}

/** Resolves once the broker is found to be unreachable; otherwise never. */
async function foundToBeAway(isReachable: Promise<boolean> | undefined): Promise<void> {
  if (isReachable === undefined || (await isReachable)) await new Promise(() => {});
}
