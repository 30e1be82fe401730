import { type Clock, elapsed, hostTime, type Timer } from '../../platform/clock.js';
import { ThrottledWarning } from '../../platform/throttled-warning.js';
import type { Address, MemberId, Outcome, ServedEvent, Task } from '../bus.interface.js';
import type { Engine, LeasedTask, QueueWorker, Store } from '../engine.interface.js';
import { DEMAND_KEPT } from './demand.js';
import { untilDone } from './retry.js';
import { result as resultShape, task as taskShape, Unreadable } from './shapes.js';
import { inboxOf, NO_RESULT, queueOf, resultSubject, type ResultHeader, type TaskHeader } from './task-message.js';
import { pack, type Reader, type Unpacked, unpack } from './wire.js';
import type { WireClock } from './wire-time.js';

/** How many tasks of an event a worker runs at a time where its handler names no limit. */
const DEFAULT_CONCURRENCY = 64;

/** A lease is extended so often in its time: one that comes late must not end it. */
const EXTENSIONS = 4;

/** After the broker was away, what others had ready for it, and what they answer, is there within so long, in ms. */
const SETTLING_TIME = 1_000;

/** So often, a settling time apart, others are asked who do not answer: some come back to the broker later. */
const MOST_ASKED = 6;

/** A broker that is there and has refused a result so often may go on: its task's place is given back meanwhile. */
const MOST_REFUSALS = 5;

/** So many results may wait for such a broker; those after them keep their tasks' places, and no more tasks are taken. */
const MOST_UNWRITTEN = 100;

const NOTHING = new Uint8Array(0);

/** What the runner does to the world besides the engine. */
export interface TaskRunnerListener {
  onTask(task: Task): void;
  onAbandoned(task: number): void;
  warn(message: string): void;
  /** Whether some other ready worker runs tasks of the event. */
  isServed(event: string): Promise<boolean>;
  /** Whether the broker was silent or away a moment ago. */
  isUnsettled(): boolean;
  /** Asks all members whether one of them still runs the task; each that does says so. */
  askWhoRuns(task: string): void;
}

/** A task that runs here. */
interface Running {
  /** How it was handed out last. */
  leased: LeasedTask;
  /** How often it was handed to this member. */
  deliveries: number;
  readonly header: TaskHeader;
  readonly payload: Uint8Array;
  readonly station: Station;
  /** How often its handler has thrown here. */
  failures: number;
  /** Its handler was called. */
  isBegun: boolean;
  /** Another member has said that it runs it. */
  runsElsewhere: boolean;
  /** Its place is another task's by now, while the broker refuses to write down how it ended. */
  hasNoPlace: boolean;
}

interface LookedUp {
  /** One that cannot be read is as good as none. */
  readonly answer: Unpacked<ResultHeader> | undefined;
}

/** The tasks of one event that this member runs. */
interface Station {
  concurrency: number;
  /** How many tasks run, or were granted and may come. */
  taken: number;
  worker: QueueWorker;
  /** Ends it, where it is there on demand only. */
  end: Timer | undefined;
}

/**
 * The side of tasks that runs them: takes as many as there is room for, keeps their leases, and writes each result
 * down once before the queue forgets the task. Side effects are at least once; results exactly once.
 */
export class TaskRunner {
  private readonly stations = new Map<string, Station>();
  private readonly running = new Map<number, Running>();
  /** What was handed to this member and is not done with: looked up, running, or being written down. */
  private readonly held = new Set<Running>();
  private readonly settling = new Set<Promise<void>>();
  /** Results that wait for a broker that refuses them, without a place. */
  private unwritten = 0;
  private served: readonly ServedEvent[] = [];
  /** The events that are served once somebody asks for them. */
  private onDemand: ReadonlySet<string> = new Set();
  private state: 'waiting' | 'open' | 'stopped' = 'waiting';
  private isClosed = false;
  private lastNumber = 0;
  private extending: Timer | undefined;
  private readonly delayed: ThrottledWarning;

  constructor(
    private readonly engine: Engine,
    private readonly stores: { readonly results: Store; readonly dead: Store },
    private readonly self: {
      readonly address: Address;
      readonly id: MemberId;
      readonly name: string;
      readonly times: WireClock;
    },
    /** How long a task may go without a sign of life of its worker, in ms. */
    private readonly lease: number,
    private readonly clock: Clock,
    private readonly reader: Reader,
    private readonly listener: TaskRunnerListener,
  ) {
    this.delayed = new ThrottledWarning(
      (message) => listener.warn(message),
      hostTime,
      (count, reason) =>
        `${count} time(s) ${engine.name} did not say that it wrote down how a task ended, the last: ${reason}. It is tried ` +
        `again.`,
    );
  }

  /** Tasks that run here. */
  get inFlight(): number {
    return this.running.size;
  }

  /** In place of what was served before. */
  serve(events: readonly ServedEvent[]): void {
    this.served = events.filter(({ onDemand }) => !onDemand);
    this.onDemand = new Set(events.filter(({ onDemand }) => onDemand).map(({ event }) => event));
    if (this.state === 'open') this.arrange();
  }

  /** Somebody has tasks of the event. @returns whether they are run here */
  want(event: string): boolean {
    if (this.state !== 'open') return false;
    if (!this.onDemand.has(event)) return this.served.some((served) => served.event === event);
    const station = this.staff(event, DEFAULT_CONCURRENCY);
    this.endLater(event, station);
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
    for (const [event, station] of this.stations) this.end(event, station);
  }

  /** Resolves when what has ended is written down; what still runs is left to its lease. */
  async close(): Promise<void> {
    this.stop();
    await Promise.all(this.settling);
    this.isClosed = true;
    this.extending?.cancel();
  }

  /** Gives up on what could not be written down. */
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

  /** Its caller has given it up. */
  abandoned(id: string): void {
    for (const [number, { header }] of this.running) if (header.id === id) this.listener.onAbandoned(number);
  }

  /** Whether it runs here, or has and is being written down: not where it is only looked up. */
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
    for (const [event, station] of this.stations) {
      if (!wanted.has(event) && !(station.end !== undefined && this.onDemand.has(event))) this.end(event, station);
    }
    for (const [event, concurrency] of wanted) this.staff(event, concurrency);
  }

  private staff(event: string, concurrency: number): Station {
    let station = this.stations.get(event);
    if (station === undefined) {
      const created: Station = { concurrency, taken: 0, worker: undefined as unknown as QueueWorker, end: undefined };
      created.worker = this.engine.work(queueOf(event), this.lease, (leased) => this.taken(leased, event, created));
      this.stations.set(event, created);
      station = created;
    }
    station.end?.cancel();
    station.end = undefined;
    station.concurrency = concurrency;
    this.fill(station);
    return station;
  }

  /** Nobody may ask for it any more: it goes when nobody has for a while, and nothing runs. */
  private endLater(event: string, station: Station): void {
    const end = () => {
      if ([...this.held].some((held) => held.station === station)) this.endLater(event, station);
      else this.end(event, station);
    };
    station.end = this.clock.after(DEMAND_KEPT, end, false);
  }

  private end(event: string, station: Station): void {
    station.end?.cancel();
    station.worker.stop();
    if (this.stations.get(event) === station) this.stations.delete(event);
  }

  private fill(station: Station): void {
    const room = station.concurrency - station.taken;
    if (room <= 0) return;
    station.taken += room;
    station.worker.grant(room);
  }

  private leave(station: Station): void {
    station.taken -= 1;
    if (this.state === 'open') this.fill(station);
  }

  private letGo(running: Running): void {
    this.held.delete(running);
    if (running.hasNoPlace) this.unwritten -= 1;
    else this.leave(running.station);
  }

  /** The broker goes on refusing to write down how the task ended: others need not wait for that. */
  private giveUpPlace(running: Running): void {
    if (running.hasNoPlace || this.unwritten >= MOST_UNWRITTEN) return;
    running.hasNoPlace = true;
    this.unwritten += 1;
    this.leave(running.station);
  }

  private taken(leased: LeasedTask, event: string, station: Station): void {
    let message: Unpacked<TaskHeader>;
    try {
      message = unpack(leased.message, taskShape);
      const { header } = message;
      if (header.event !== event || header.id !== leased.id)
        throw new Unreadable('it is a task of another queue or id');
    } catch (error) {
      this.reader.drop(error);
      void this.again(() => leased.acknowledge());
      return this.leave(station);
    }
    if (this.isBackHere(message.header.id, leased)) return this.leave(station);
    const fresh = { deliveries: 1, failures: 0, isBegun: false, runsElsewhere: false, hasNoPlace: false };
    const running = { ...message, leased, station, ...fresh };
    this.held.add(running);
    this.track(this.begin(running));
  }

  /** A worker that was silent, or cut off, gets its own task again: the run that goes on here, or has ended, is as good. */
  private isBackHere(id: string, leased: LeasedTask): boolean {
    const running = [...this.held].find(({ header }) => header.id === id);
    if (running === undefined) return false;
    running.leased = leased;
    running.deliveries += 1;
    leased.extend();
    return true;
  }

  /** Whatever goes wrong, its place is not lost with it: the task comes back when its lease has ended. */
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
    const { header } = running;
    if ((runsOf(running) > 0 || header.key !== null) && (await this.isDone(running))) {
      return this.letGo(running);
    }
    if (runsOf(running) > header.redeliveries) {
      await this.bury(running);
      return this.letGo(running);
    }
    const { attempt } = running.leased;
    if (runsOf(running) > 0) {
      this.listener.warn(
        `Task ${header.id} ('${header.event}') runs again, attempt ${attempt}: its worker gave no sign of ` +
          `life for ${this.lease} ms.`,
      );
    }
    const number = (this.lastNumber = (this.lastNumber + 1) >>> 0);
    this.running.set(number, running);
    running.isBegun = true;
    this.run(number, running);
  }

  /** Whether nothing is left to do here: it has ended, here or elsewhere, or this member left before that was known. */
  private async isDone(running: Running): Promise<boolean> {
    const { header } = running;
    let found = await this.result(header.id);
    // Its lease may have ended because the broker was away: its worker may still run it, or its result be on its way.
    for (let unanswered = 0; unanswered < MOST_ASKED && this.isMaybeRun(running, found);) {
      running.runsElsewhere = false;
      running.leased.extend();
      this.listener.askWhoRuns(header.id);
      await elapsed(this.clock, SETTLING_TIME);
      if (this.state === 'stopped') {
        // Its app may be closed by now.
        running.leased.release();
        return true;
      }
      found = await this.result(header.id);
      unanswered = running.runsElsewhere ? 0 : unanswered + 1;
    }
    if (found?.answer === undefined) return found === undefined;
    const { header: result, payload } = found.answer;
    // That an earlier task by this id came to nothing is no answer to those who asked again.
    if (runsOf(running) > 0 || !NO_RESULT.has(result.outcome)) this.announce(header, result, payload);
    await this.again(() => running.leased.acknowledge());
    return true;
  }

  private isMaybeRun(running: Running, found: LookedUp | undefined): boolean {
    if (found === undefined || found.answer !== undefined || runsOf(running) === 0) return false;
    return running.runsElsewhere || this.listener.isUnsettled();
  }

  /** What is written down of a task; undefined where the bus was closed before the broker could be asked. */
  private result(task: string): Promise<LookedUp | undefined> {
    return this.again(async () => {
      const record = await this.stores.results.get(task);
      return { answer: record && this.reader.read(record.value, resultShape) };
    });
  }

  private run(number: number, { header, payload, leased, failures }: Running): void {
    this.listener.onTask({
      id: number,
      event: header.event,
      payload,
      // What stays the same when it runs again elsewhere, so that a handler can tell.
      key: header.key ?? header.id,
      attempt: leased.attempt + failures,
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
      this.lease / EXTENSIONS,
      () => {
        if (this.isClosed) return;
        for (const { leased } of this.held) leased.extend();
        this.extendLater();
      },
      false,
    );
  }

  // ---- what comes of it

  /** One whose listener is gone goes to another worker that has one. */
  private async finishOrPassOn(running: Running, outcome: Outcome, payload: Uint8Array): Promise<void> {
    if (outcome === 'no-handler' && (await this.listener.isServed(running.header.event))) running.leased.release();
    else await this.finish(running, outcome, payload);
  }

  private async finish(running: Running, outcome: Outcome, payload: Uint8Array): Promise<void> {
    const { header } = running;
    const { attempt } = running.leased;
    const run = `${this.self.id}-${attempt}`;
    const result: ResultHeader = { task: header.id, outcome, slot: this.self.address, run };
    const message = pack(result, payload);
    const isFirst = await this.again(() => this.keep(header.id, message, run), running);
    if (isFirst === undefined) {
      this.listener.warn(
        `The result of task ${header.id} ('${header.event}') was not written down: the bus is closed.`,
      );
      return;
    }
    if (isFirst) this.announce(header, result, payload);
    else {
      this.listener.warn(
        `A stale result of task ${header.id} ('${header.event}', attempt ${attempt}, ${this.self.name}) was ` +
          `dropped: another run was faster. This worker was silent for longer than ${this.lease} ms meanwhile.`,
      );
    }
    await this.again(() => running.leased.acknowledge());
  }

  /** Writes the result down where there is none yet. */
  private async keep(task: string, message: Uint8Array, run: string): Promise<boolean> {
    if ((await this.stores.results.put(task, message, undefined)) !== undefined) return true;
    const record = await this.stores.results.get(task);
    if (record === undefined) throw new Error('what was written down is gone');
    const known = this.reader.read(record.value, resultShape);
    // Its own, from a try that seemed to have failed.
    if (known !== undefined) return known.header.run === run;
    // Nobody can read what is there.
    if ((await this.stores.results.put(task, message, record.version)) !== undefined) return true;
    throw new Error('another one was written at the same moment');
  }

  /** At most once; whoever misses it looks it up. */
  private announce(header: TaskHeader, result: ResultHeader, payload: Uint8Array): void {
    try {
      this.engine.publish(inboxOf(header.fromId), pack({ type: 'result', ...result }, payload));
      if (header.key !== null) this.engine.publish(resultSubject(header.id), pack(result, payload));
    } catch {
      // Not connected just now.
    }
  }

  /** Everybody who ran it died: it goes where it can be looked at, and its caller hears of it. */
  private async bury(running: Running): Promise<void> {
    const { header, payload } = running;
    const died = runsOf(running);
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

  /** @param running gives up its place where a broker that is there goes on refusing */
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

/** How often others had it, and died or fell silent with it. Where it was only looked up here, it did not run. */
function runsOf({ leased, deliveries }: Running): number {
  return leased.attempt - deliveries;
}
