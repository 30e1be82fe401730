import { type Clock, sleep, hostTime, type Timer } from '../../platform/clock.js';
import { ThrottledWarning } from '../../platform/throttled-warning.js';
import type { Address, MemberId, Outcome, ServedEvent, Task } from '../../bus/bus.interface.js';
import type { Engine, LeasedTask, QueueWorker, Store } from '../../bus/engine.interface.js';
import { DEMAND_KEPT } from '../demand.js';
import { untilDone } from '../retry.js';
import { task as taskShape, taskRecord } from '../shapes.js';
import { Unreadable, OtherVersion, pack, type Reader, type Unpacked, unpack } from '../envelope.js';
import {
  type BeginningHeader,
  inboxOf,
  NO_RESULT,
  queueOf,
  RESULT_KEPT,
  resultSubject,
  type ResultHeader,
  type TaskHeader,
} from './task-message.js';
import type { WireClock } from '../wire-time.js';

/** How many tasks of an event a worker runs at a time where its handler names no limit. */
const DEFAULT_CONCURRENCY = 64;

/**
 * How many times a task is extended in the time after which it would be handed out again: one late extension must not
 * end its lease.
 */
const EXTENSIONS = 4;

/** How long to wait for the member that has begun a task to say that it still runs it, in ms. */
const ANSWER_TIME = 1_000;

/** Interval at which the record of a running task is renewed, in ms: the store forgets records after a while. */
const RECORD_RENEWED = RESULT_KEPT / 4;

/**
 * After this many refusals of a result in a row by a connected broker, the task gives up its place while it is tried
 * again.
 */
const MOST_REFUSALS = 5;

/** How many tasks may wait without a place, for such a broker or for the end of a lease; further tasks keep theirs. */
const MOST_WITHOUT_PLACE = 100;

const NOTHING = new Uint8Array(0);

/** What the runner needs of the bus, besides the engine. */
export interface TaskRunnerListener {
  onTask(task: Task): void;
  onAbandoned(task: number): void;
  warn(message: string): void;
  /** Whether some other ready worker runs tasks of the event. */
  isServed(event: string): Promise<boolean>;
  /** Whether the broker was silent or away a moment ago. */
  isUnsettled(): boolean;
  /** Whether the member is present, as far as this process has heard. */
  isMember(member: MemberId): boolean;
  /** Asks all members whether one of them still runs the task; a member that does says so. */
  askWhoRuns(task: string): void;
}

/** A task that was handed to this member. */
interface Running {
  /** The latest delivery of the task. */
  leased: LeasedTask;
  /** How many times it was handed to this member. */
  deliveries: number;
  readonly header: TaskHeader;
  readonly payload: Uint8Array;
  readonly consumer: QueueConsumer;
  /** How many times its handler has thrown here. */
  failures: number;
  /** Whether its handler was called, or is about to be. */
  isBegun: boolean;
  /** The name of this run; no two runs have the same. */
  readonly run: string;
  /** The task's record in the store, as far as this member knows. */
  kept: Kept;
  /** When the record of this run is to be renewed, in ms of the clock. */
  renewalDue: number;
  /** Whether another member has said that it runs the task. */
  runsElsewhere: boolean;
  /**
   * Whether it gave its place to another task, because the broker refuses its result or an earlier run may still go on.
   */
  hasNoPlace: boolean;
}

/** The record of a task in the store. One that cannot be read counts as none. */
interface Kept {
  readonly version: number | undefined;
  readonly beginning?: BeginningHeader;
  readonly result?: Unpacked<ResultHeader>;
}

const NOTHING_KEPT: Kept = { version: undefined };

/** The tasks of one event that this member runs. */
interface QueueConsumer {
  concurrency: number;
  /** How many tasks run, or were granted and may still come. */
  taken: number;
  worker: QueueWorker;
  /** Ends this consumer, if it exists only on demand. */
  end: Timer | undefined;
}

/**
 * The side of tasks that runs them: takes as many as there is room for, keeps their leases, and writes each result down
 * once before the queue forgets the task. Side effects happen at least once, results exactly once.
 */
export class TaskRunner {
  private readonly consumers = new Map<string, QueueConsumer>();
  private readonly running = new Map<number, Running>();
  /** Tasks that were handed to this member and are not finished: each is looked up, runs, or is being written down. */
  private readonly held = new Set<Running>();
  private readonly settling = new Set<Promise<void>>();
  /** How many tasks wait without a place. */
  private withoutPlace = 0;
  private served: readonly ServedEvent[] = [];
  /** The events that are served only once a member asks for them. */
  private onDemand: ReadonlySet<string> = new Set();
  private state: 'waiting' | 'open' | 'stopped' = 'waiting';
  private isClosed = false;
  private lastNumber = 0;
  private lastRun = 0;
  private extending: Timer | undefined;
  private readonly delayed: ThrottledWarning;
  /** How long a task may go without an extension before it is handed out again, in ms. */
  private readonly silence: number;

  constructor(
    private readonly engine: Engine,
    private readonly stores: { readonly results: Store; readonly dead: Store },
    private readonly self: {
      readonly address: Address;
      readonly id: MemberId;
      readonly name: string;
      readonly times: WireClock;
    },
    /** How long a task may go without a sign of life from its worker, in ms. */
    private readonly lease: number,
    private readonly clock: Clock,
    private readonly reader: Reader,
    private readonly listener: TaskRunnerListener,
  ) {
    this.silence = Math.min(lease, engine.longestSilence ?? lease);
    this.delayed = new ThrottledWarning(
      (message) => listener.warn(message),
      hostTime,
      (count, reason) =>
        `${count} time(s) ${engine.name} did not say that it wrote down that a task began, or how it ended, the last: ` +
        `${reason}. It is tried again.`,
    );
  }

  /** How many tasks run here. */
  get inFlight(): number {
    return this.running.size;
  }

  /** Replaces the events that were served before. */
  serve(events: readonly ServedEvent[]): void {
    this.served = events.filter(({ onDemand }) => !onDemand);
    this.onDemand = new Set(events.filter(({ onDemand }) => onDemand).map(({ event }) => event));
    if (this.state === 'open') this.arrange();
  }

  /** A member has tasks of the event. @returns whether this worker runs them */
  want(event: string): boolean {
    if (this.state !== 'open') return false;
    if (!this.onDemand.has(event)) return this.served.some((served) => served.event === event);
    const consumer = this.subscribe(event, DEFAULT_CONCURRENCY);
    this.endLater(event, consumer);
    return true;
  }

  /** Takes tasks from now on. */
  open(): void {
    if (this.state !== 'waiting') return;
    this.state = 'open';
    this.extendLater();
    this.arrange();
  }

  /** Takes no more tasks; those that run go on. */
  stop(): void {
    this.state = 'stopped';
    for (const [event, consumer] of this.consumers) this.end(event, consumer);
  }

  /** Resolves when the results of finished tasks are written down. Tasks that still run are left to their leases. */
  async close(): Promise<void> {
    this.stop();
    await Promise.all(this.settling);
    this.isClosed = true;
    this.extending?.cancel();
  }

  /** Gives up on results that could not be written down. */
  abort(): void {
    this.isClosed = true;
  }

  settle(task: Task, outcome: Outcome, payload: Uint8Array): void {
    const running = this.running.get(task.id);
    if (running === undefined) return;
    if (outcome === 'error' && this.runsAgain(running)) return this.run(task.id, running);
    this.running.delete(task.id);
    this.track(this.finishOrPassOn(running, outcome, payload).finally(() => this.letGo(running)));
  }

  progress(task: Task, payload: Uint8Array): void {
    const running = this.running.get(task.id);
    if (running === undefined || !running.header.progress) return;
    const { id, fromId } = running.header;
    this.engine.publish(inboxOf(fromId), pack({ type: 'progress', task: id }, payload));
  }

  /** The caller has given up the task. */
  abandoned(id: string): void {
    for (const [number, { header }] of this.running) if (header.id === id) this.listener.onAbandoned(number);
  }

  /**
   * Whether the task runs here, is about to run, or has run and its result is being written down. A task that is only
   * looked up does not count.
   */
  runs(id: string): boolean {
    return [...this.held].some((held) => held.header.id === id && held.isBegun);
  }

  /** A member says that it runs a task. */
  heardToRun(id: string): void {
    for (const held of this.held) if (held.header.id === id) held.runsElsewhere = true;
  }

  // ---- what is taken

  private arrange(): void {
    const wanted = new Map(this.served.map(({ event, concurrency }) => [event, concurrency ?? DEFAULT_CONCURRENCY]));
    for (const [event, consumer] of this.consumers) {
      if (!wanted.has(event) && !(consumer.end !== undefined && this.onDemand.has(event))) this.end(event, consumer);
    }
    for (const [event, concurrency] of wanted) this.subscribe(event, concurrency);
  }

  private subscribe(event: string, concurrency: number): QueueConsumer {
    let consumer = this.consumers.get(event);
    if (consumer === undefined) {
      const created: QueueConsumer = {
        concurrency,
        taken: 0,
        worker: undefined as unknown as QueueWorker,
        end: undefined,
      };
      created.worker = this.engine.work(queueOf(event), this.silence, (leased) => this.taken(leased, event, created));
      this.consumers.set(event, created);
      consumer = created;
    }
    consumer.end?.cancel();
    consumer.end = undefined;
    consumer.concurrency = concurrency;
    this.fill(consumer);
    return consumer;
  }

  /** Ends the consumer once no member has asked for the event for a while and none of its tasks is here. */
  private endLater(event: string, consumer: QueueConsumer): void {
    const end = () => {
      if ([...this.held].some((held) => held.consumer === consumer)) this.endLater(event, consumer);
      else this.end(event, consumer);
    };
    consumer.end = this.clock.after(DEMAND_KEPT, end, false);
  }

  private end(event: string, consumer: QueueConsumer): void {
    consumer.end?.cancel();
    consumer.worker.stop();
    if (this.consumers.get(event) === consumer) this.consumers.delete(event);
  }

  private fill(consumer: QueueConsumer): void {
    const room = consumer.concurrency - consumer.taken;
    if (room <= 0) return;
    consumer.taken += room;
    consumer.worker.grant(room);
  }

  private leave(consumer: QueueConsumer): void {
    consumer.taken -= 1;
    if (this.state === 'open') this.fill(consumer);
  }

  private letGo(running: Running): void {
    this.held.delete(running);
    if (running.hasNoPlace) this.withoutPlace -= 1;
    else this.leave(running.consumer);
  }

  /** The task waits for something: it gives its place to another task. */
  private giveUpPlace(running: Running): void {
    if (running.hasNoPlace || this.withoutPlace >= MOST_WITHOUT_PLACE) return;
    running.hasNoPlace = true;
    this.withoutPlace += 1;
    this.leave(running.consumer);
  }

  private taken(leased: LeasedTask, event: string, consumer: QueueConsumer): void {
    let message: Unpacked<TaskHeader>;
    try {
      message = unpack(leased.message, taskShape);
      const { header } = message;
      if (header.event !== event || header.id !== leased.id)
        throw new Unreadable('it is a task of another queue or id');
    } catch (error) {
      this.reader.drop(error);
      // Members of its version may be present, or may come: one of them gets the task when its lease here has ended.
      if (!(error instanceof OtherVersion)) void this.again(() => leased.acknowledge());
      return this.leave(consumer);
    }
    if (this.isBackHere(message.header.id, leased)) return this.leave(consumer);
    const fresh = { deliveries: 1, failures: 0, isBegun: false, runsElsewhere: false, hasNoPlace: false };
    const run = `${this.self.id}-${(this.lastRun += 1)}`;
    const running = { ...message, leased, consumer, ...fresh, run, kept: NOTHING_KEPT, renewalDue: Infinity };
    this.held.add(running);
    this.track(this.begin(running));
  }

  /** A worker that was silent or cut off may be handed its own task again: then the run that is here already counts. */
  private isBackHere(id: string, leased: LeasedTask): boolean {
    const running = [...this.held].find(({ header }) => header.id === id);
    if (running === undefined) return false;
    running.leased = leased;
    running.deliveries += 1;
    leased.extend();
    return true;
  }

  /**
   * Whatever goes wrong, the place of the task becomes free, and the task is handed out again when its lease has ended.
   */
  private async begin(running: Running): Promise<void> {
    try {
      await this.start(running);
    } catch (error) {
      for (const [number, other] of this.running) if (other === running) this.running.delete(number);
      if (this.held.has(running)) this.letGo(running);
      throw error;
    }
  }

  private async start(running: Running): Promise<void> {
    const { header, leased } = running;
    // A task on its first delivery usually has no record, so it is not looked up: if it has one, the first write fails.
    let isKnown = leased.attempt === 1;
    for (let isOurs = false; !isOurs; isKnown = true) {
      if (!isKnown && !(await this.lookUp(running))) return this.letGo(running);
      if (!(await this.untilQuiet(running))) return this.letGo(running);
      const begun = this.begunBefore(running);
      if (begun > header.redeliveries) {
        await this.keepDeadLetter(running, begun);
        return this.letGo(running);
      }
      const isWritten = await this.writeBeginning(running, begun + 1);
      if (isWritten === undefined) return this.letGo(running);
      isOurs = isWritten;
    }
    if (this.state === 'stopped') {
      // The app may be closed by now.
      await this.takeBack(running);
      return this.letGo(running);
    }
    const attempt = running.kept.beginning!.begun;
    if (attempt > 1) {
      this.listener.warn(
        `Task ${header.id} ('${header.event}') runs again, attempt ${attempt}: its worker gave no sign of ` +
          `life for ${this.lease} ms.`,
      );
    }
    const number = (this.lastNumber = (this.lastNumber + 1) >>> 0);
    this.running.set(number, running);
    this.run(number, running);
  }

  /**
   * How many runs have begun before this one. A delivery that never reached a handler is no run; but if the record may
   * be gone already, the earlier deliveries to other members are counted.
   */
  private begunBefore({ header, kept, leased, deliveries }: Running): number {
    if (kept.beginning !== undefined) return kept.beginning.begun;
    const isSurelyRecorded = header.recorded !== null && !this.self.times.isPast(header.recorded);
    return isSurelyRecorded ? 0 : leased.attempt - deliveries;
  }

  /**
   * Waits until no other member runs the task. A task may be handed out here while another run goes on: before the
   * lease of that run is over, after that lease has ended because the broker was away, or because the queue has
   * forgotten that it was handed out.
   *
   * @returns whether the task is to be begun here; if it has ended already, its callers are told
   */
  private async untilQuiet(running: Running): Promise<boolean> {
    running.runsElsewhere = false;
    let asked = 0;
    for (let waited = 0; ;) {
      const { beginning, result } = running.kept;
      if (result !== undefined) {
        await this.passOn(running, result);
        return false;
      }
      // The member that runs it extends its lease.
      if (running.runsElsewhere) return false;
      if (this.state === 'stopped') {
        running.leased.release();
        return false;
      }
      if (beginning === undefined || beginning.lease === 0) return true;
      const left = beginning.lease - this.silence - waited;
      if (left <= 0 && asked >= this.timesToAsk(beginning)) {
        if (!running.hasNoPlace) return true;
        // Leaves the task to a worker with a free place. The record now says that the earlier run is over.
        await this.rewrite(running, { ...beginning, lease: 0 });
        running.leased.release();
        return false;
      }
      // Other tasks need not wait for this one.
      this.giveUpPlace(running);
      // Asks once at first, since the other member may only have been blocked for a while, and each time after its
      // lease is over.
      if (waited === 0 || left <= 0) this.listener.askWhoRuns(running.header.id);
      if (left <= 0) asked += 1;
      const pause = left > 0 ? Math.min(left, ANSWER_TIME) : ANSWER_TIME;
      running.leased.extend();
      await sleep(this.clock, pause);
      waited += pause;
      if (!(await this.lookUp(running))) return false;
      if (running.kept.beginning?.run !== beginning.run) waited = asked = 0;
    }
  }

  private timesToAsk({ by }: BeginningHeader): number {
    // After an outage of the broker, some members come back to it later than others.
    if (this.listener.isUnsettled()) return Infinity;
    return this.listener.isMember(by) ? 1 : 0;
  }

  /** The task has ended: tells its callers, and removes it from its queue. */
  private async passOn(running: Running, { header: result, payload }: Unpacked<ResultHeader>): Promise<void> {
    const { header, leased } = running;
    // If an earlier task by this id came to no result, that is no answer to callers that asked again.
    const isOfThisTask = header.key === null || leased.attempt > 1;
    if (isOfThisTask || !NO_RESULT.has(result.outcome)) this.announce(header, result, payload);
    await this.again(() => leased.acknowledge());
  }

  /** Reads the task's record. @returns false if the bus was closed before the broker could be asked */
  private async lookUp(running: Running): Promise<boolean> {
    return (await this.again(() => this.read(running))) !== undefined;
  }

  private async read(running: Running): Promise<Kept> {
    const record = await this.stores.results.get(running.header.id);
    const found = record && this.reader.read(record.value, taskRecord);
    running.kept = { version: record?.version, ...(found && keptIn(found)) };
    return running.kept;
  }

  /**
   * Writes down that this run begins, unless the record has changed since it was looked up. So a task that is handed
   * out twice begins only once, and runs are counted instead of deliveries.
   *
   * @returns whether this run has begun; undefined if the bus was closed before
   */
  private writeBeginning(running: Running, begun: number): Promise<boolean | undefined> {
    const { run, header } = running;
    const beginning = { task: header.id, begun, run, by: this.self.id, lease: this.lease };
    const expected = running.kept.version;
    running.isBegun = true;
    return this.again(async () => {
      const version = await this.stores.results.put(header.id, pack(beginning), expected);
      if (version !== undefined) running.kept = { version, beginning };
      // Was the record written by this run, in an attempt that seemed to have failed?
      else running.isBegun = (await this.read(running)).beginning?.run === run;
      running.renewalDue = this.clock.now() + RECORD_RENEWED;
      return running.isBegun;
    });
  }

  /** The task was not run here after all: its beginning is not counted. */
  private async takeBack(running: Running): Promise<void> {
    const { beginning } = running.kept;
    running.isBegun = false;
    if (beginning?.run === running.run) {
      await this.rewrite(running, { ...beginning, begun: beginning.begun - 1, lease: 0 });
    }
    running.leased.release();
  }

  /** Writes the record anew, unless it has changed in the meantime. */
  private async rewrite({ header, kept }: Running, beginning: BeginningHeader): Promise<void> {
    await this.again(async () => void (await this.stores.results.put(header.id, pack(beginning), kept.version)));
  }

  private run(number: number, { header, payload, kept, failures }: Running): void {
    this.listener.onTask({
      id: number,
      event: header.event,
      payload,
      // The key stays the same when the task runs again elsewhere, so that a handler can recognise it.
      key: header.key ?? header.id,
      attempt: kept.beginning!.begun + failures,
      deadline: this.self.times.fromWire(header.deadline),
      from: header.from,
      fromId: header.fromId,
    });
  }

  private runsAgain(running: Running): boolean {
    running.failures += 1;
    return running.failures < running.header.attempts && !this.self.times.isPast(running.header.deadline);
  }

  private extendLater(): void {
    this.extending = this.clock.after(
      this.silence / EXTENSIONS,
      () => {
        if (this.isClosed) return;
        for (const held of this.held) this.extend(held);
        this.extendLater();
      },
      false,
    );
  }

  private extend(held: Running): void {
    held.leased.extend();
    const { beginning, version } = held.kept;
    if (!held.isBegun || beginning === undefined || this.clock.now() < held.renewalDue) return;
    held.renewalDue = this.clock.now() + RECORD_RENEWED;
    this.stores.results.put(held.header.id, pack(beginning), version).then(
      (renewed) => {
        if (renewed !== undefined && held.kept.version === version) held.kept = { version: renewed, beginning };
      },
      // What another member wrote in the meantime is noticed when the run ends; an unreachable broker is asked again.
      () => undefined,
    );
  }

  // ---- what comes of it

  /** A task whose listener here is gone goes to another worker that has one. */
  private async finishOrPassOn(running: Running, outcome: Outcome, payload: Uint8Array): Promise<void> {
    if (outcome === 'no-handler' && (await this.listener.isServed(running.header.event))) await this.takeBack(running);
    else await this.finish(running, outcome, payload);
  }

  private async finish(running: Running, outcome: Outcome, payload: Uint8Array): Promise<void> {
    const { header } = running;
    const result: ResultHeader = { task: header.id, outcome, slot: this.self.address, run: running.run };
    const message = pack(result, payload);
    const isFirst = await this.again(() => this.keep(running, message), running);
    if (isFirst === undefined) {
      this.listener.warn(
        `The result of task ${header.id} ('${header.event}') was not written down: the bus is closed.`,
      );
      return;
    }
    if (isFirst) this.announce(header, result, payload);
    else {
      this.listener.warn(
        `A stale result of task ${header.id} ('${header.event}', run ${running.run}, ${this.self.name}) was ` +
          `dropped: another run was faster. This worker was silent for longer than ${this.lease} ms meanwhile.`,
      );
    }
    await this.again(() => running.leased.acknowledge());
  }

  /** Writes the result down if there is none yet. */
  private async keep(running: Running, message: Uint8Array): Promise<boolean> {
    const { run, header } = running;
    const write = () => this.stores.results.put(header.id, message, running.kept.version);
    if ((await write()) !== undefined) return true;
    const { result } = await this.read(running);
    // The result may be from this run, written in an attempt that seemed to have failed.
    if (result !== undefined) return result.header.run === run;
    // Another run has begun in the meantime, or the record cannot be read: the first result counts.
    if ((await write()) !== undefined) return true;
    throw new Error('another one was written at the same moment');
  }

  /** Sends the result at most once; a caller that misses it looks it up. */
  private announce(header: TaskHeader, result: ResultHeader, payload: Uint8Array): void {
    try {
      this.engine.publish(inboxOf(header.fromId), pack({ type: 'result', ...result }, payload));
      if (header.key !== null) this.engine.publish(resultSubject(header.id), pack(result, payload));
    } catch {
      // The connection is lost just now.
    }
  }

  /** Every worker that ran the task died or fell silent: stores it as a dead letter, and tells its caller. */
  private async keepDeadLetter(running: Running, died: number): Promise<void> {
    const { header, payload } = running;
    this.listener.warn(
      `Task ${header.id} ('${header.event}') is a dead letter: ${died} worker(s) died or fell silent while they ran it.`,
    );
    const letter = pack({ ...header, died, at: Date.now() }, payload);
    const keep = async () => {
      const old = await this.stores.dead.get(header.id);
      return (await this.stores.dead.put(header.id, letter, old?.version)) ?? true;
    };
    const kept = await this.again(keep, running);
    if (kept !== undefined) await this.finish(running, 'lost', NOTHING);
  }

  /**
   * Repeats `work` until it succeeds or the bus is closed.
   *
   * @param running gives up its place if a connected broker goes on refusing
   */
  private again<T>(work: () => Promise<T>, running?: Running): Promise<T | undefined> {
    let refusals = 0;
    const failed = ({ message }: Error) => {
      this.delayed.due(message);
      refusals = this.engine.isConnected ? refusals + 1 : 0;
      if (running !== undefined && refusals >= MOST_REFUSALS) this.giveUpPlace(running);
    };
    return untilDone(this.clock, () => this.isClosed, work, failed);
  }

  private track(work: Promise<void>): void {
    const done = work.catch((error: Error) => this.delayed.due(error.message));
    this.settling.add(done);
    void done.then(() => this.settling.delete(done));
  }
}

function keptIn({ header, payload }: Unpacked<BeginningHeader | ResultHeader>): Omit<Kept, 'version'> {
  return 'begun' in header ? { beginning: header } : { result: { header, payload } };
}
