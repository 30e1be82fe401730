import { PRIMARY_ID, type Member, type MemberId } from '../../bus/bus.interface.js';
import { Claims } from './hub-claims.js';
import { Congestion } from './flow-control.js';
import {
  deadlineOf,
  type Frame,
  idOf,
  keyOf,
  Kind,
  kindName,
  kindOf,
  newFrame,
  newHubFrame,
  setTarget,
  targetOf,
  targetsOf,
  textIn,
} from '../wire/frame.js';
import type { Link } from '../wire/link.js';
import { Roster } from './member-table.js';
import { Router } from './router.js';
import { type Occupant, Seat } from './hub-member.js';
import { hostTime } from '../../platform/clock.js';
import { SettledResults } from './result-cache.js';
import { TaskQueue } from './task-queue.js';

export interface HubOptions {
  /** Bytes that may wait for one member, and of tasks that wait for a worker. */
  readonly queueLimit: number;
  /** Monotonic time in ms, that of the members' deadlines. Default: the host's clock. */
  readonly now?: () => number;
  /** Takes what an operator should know: members that do not keep up, are cut off, or break the protocol. */
  readonly warn: (message: string) => void;
  /** Hears of a member whose link ended, instead of `warn`; mostly its process has ended, too. */
  readonly lost?: (id: MemberId, reason: string) => void;
}

/**
 * The middle of the star: takes the frames of every member and sends them on by their header. It never
 * looks into the payload of a message, and never waits.
 */
export class Hub {
  private readonly roster = new Roster();
  private readonly congestion: Congestion;
  private readonly router: Router;
  private readonly tasks: TaskQueue;
  private readonly claims: Claims;
  private closing = false;

  constructor(private readonly options: HubOptions) {
    const { queueLimit, warn, now = hostTime } = options;
    this.congestion = new Congestion(queueLimit, this.roster, () => this.tasks.dispatchWaiting());
    this.router = new Router(this.roster, this.congestion, warn, now);
    const results = new SettledResults(warn, now);
    this.tasks = new TaskQueue(queueLimit, this.roster, this.congestion, results, warn, now);
    this.claims = new Claims(queueLimit, this.congestion, warn, now);
  }

  /** The ready workers, by slot. */
  get members(): readonly Member[] {
    return this.roster.members;
  }

  /** Broadcasts not sent to a member because its heartbeat was overdue, since the start. */
  get leftOut(): number {
    return this.router.leftOutCount;
  }

  /** Broadcasts dropped because a member was far over its queue limit, since the start. */
  get dropped(): number {
    return this.router.droppedCount;
  }

  /**
   * Seats a worker, at fork: it may send, call and claim and gets the answers, but no broadcast, request or
   * task before `ready`. When its link closes, it is detached.
   *
   * @throws Error where `id` has a seat already
   */
  attach({ id, slot, generation, pid }: Occupant, link: Link): void {
    if (id === PRIMARY_ID) throw new Error(`Member ${PRIMARY_ID} is the primary; use attachPrimary().`);
    this.seat(new Seat(id, slot, generation, pid, link));
  }

  /** Seats the primary itself: it hears every broadcast at once, and runs no tasks. */
  attachPrimary(link: Link): void {
    const seat = new Seat(PRIMARY_ID, 'primary', 0, process.pid, link);
    seat.state = 'ready';
    this.seat(seat);
  }

  /**
   * Slots 0 to `slots - 1` have a worker or get one; 0: the cluster stops. Nobody waits for a worker in another
   * slot from now on.
   */
  expect(slots: number): void {
    this.roster.expect(slots);
    if (slots === 0) this.tasks.dispatchWaiting();
  }

  /** The worker is ready: a member from now on. Does nothing where it is gone or leaving. */
  ready(id: MemberId): void {
    const seat = this.roster.get(id);
    if (seat?.state !== 'attached') return;
    seat.state = 'ready';
    this.roster.changed();
    this.congestion.check(seat);
    this.tasks.dispatchWaiting();
  }

  /** The worker's heartbeat is overdue, or is heard again. A suspect gets no broadcast and no new task. */
  suspect(id: MemberId, suspect: boolean): void {
    const seat = this.roster.get(id);
    if (seat === undefined || seat.suspect === suspect) return;
    seat.suspect = suspect;
    this.roster.changed();
    this.congestion.check(seat);
    if (!suspect) this.tasks.dispatchWaiting();
  }

  /** The cluster is asked to stop, and its workers serve on: their state says so. */
  stopping(): void {
    this.roster.stopping = true;
    this.roster.changed();
  }

  /**
   * The worker leaves: it is no member any more, and after the FENCE it is now sent comes no broadcast,
   * request or task. What it runs it finishes; its own calls, replies and results pass as before.
   */
  leaving(id: MemberId): void {
    const seat = this.roster.get(id);
    if (seat === undefined || seat.isPrimary || seat.state === 'leaving') return;
    seat.state = 'leaving';
    seat.link.send(newHubFrame(Kind.FENCE));
    this.roster.changed();
    this.congestion.check(seat);
    this.tasks.dispatchWaiting();
  }

  /** Cuts a worker's link and forgets it; what it sent and was not yet read is lost. */
  detach(id: MemberId): void {
    this.roster.get(id)?.link.abort('it was detached');
  }

  /** Ends every link after what is queued has left. */
  close(): void {
    this.closing = true;
    for (const seat of this.roster.all()) seat.link.close();
  }

  private seat(seat: Seat): void {
    this.roster.add(seat);
    this.congestion.brief(seat);
    seat.link.attach({
      onFrame: (frame) => this.route(seat, frame),
      onDrain: () => this.congestion.check(seat),
      onClose: (reason) => this.lost(seat, reason),
    });
  }

  private route(from: Seat, frame: Frame): void {
    from.stamp(frame);
    switch (kindOf(frame)) {
      case Kind.PUBLISH:
        return this.router.publish(from, frame);
      case Kind.REQUEST:
        return this.router.request(from, targetOf(frame), frame);
      case Kind.REQUEST_EACH:
        return this.requestEach(from, frame);
      case Kind.REPLY:
        return this.router.reply(frame);
      case Kind.TASK:
        if (from.calls.has(idOf(frame)))
          return this.cut(from, `it used the number of a call that waits, ${idOf(frame)}`);
        if (Number.isNaN(deadlineOf(frame))) return this.cut(from, 'it sent a deadline that is no number');
        return this.tasks.enqueue(from, frame);
      case Kind.RESULT:
        return this.tasks.result(from, frame);
      case Kind.PROGRESS:
        return this.tasks.progress(from, frame);
      case Kind.CANCEL:
        return this.cancel(from, frame);
      case Kind.SERVE:
        return this.serve(from, frame);
      case Kind.CLAIM:
        if (Number.isNaN(deadlineOf(frame))) return this.cut(from, 'it sent a lifetime that is no number');
        return this.claims.claim(from, frame);
      case Kind.CONCLUDE:
        return this.claims.conclude(from, frame);
      default:
        return this.cut(from, `it sent a frame of kind ${kindName(kindOf(frame))}, which only the hub sends`);
    }
  }

  private requestEach(from: Seat, frame: Frame): void {
    const targets = targetsOf(frame);
    if (targets === undefined) return this.cut(from, 'it sent a list of members that cannot be read');
    for (const target of targets) this.router.request(from, target, frame);
  }

  private cancel(from: Seat, frame: Frame): void {
    if (keyOf(frame) === '') this.tasks.cancel(from, idOf(frame));
    else this.claims.cancel(from, frame);
  }

  private serve(from: Seat, frame: Frame): void {
    const events = parseEvents(textIn(frame));
    if (events === undefined) return this.cut(from, 'it sent a list of events that cannot be read');
    for (const event of events) from.toServe.push(event);
    if (idOf(frame) > 0) return;
    from.serve(from.toServe.splice(0));
    this.tasks.dispatchWaiting();
  }

  private cut(seat: Seat, reason: string): void {
    seat.link.abort(reason);
  }

  /** Everything the member sent was routed: now the others hear that it is gone, and take over from it. */
  private lost(seat: Seat, reason: string): void {
    const wasLeaving = seat.state === 'leaving';
    seat.state = 'gone';
    this.roster.remove(seat);
    const frame = newFrame(Kind.LOST);
    seat.stamp(frame);
    setTarget(frame, seat.id);
    for (const other of this.roster.all()) other.link.send(frame);
    this.congestion.check(seat);
    this.roster.changed();
    this.tasks.lost(seat);
    this.claims.lost(seat);
    this.tasks.dispatchWaiting();
    // The primary closes its own end only when the cluster has stopped.
    if (wasLeaving || this.closing || seat.isPrimary) return;
    if (this.options.lost) this.options.lost(seat.id, reason);
    else this.options.warn(`The bus lost ${seat.name}: ${reason}.`);
  }
}

/** Events and how many tasks of each at a time, where that is what the payload says: `[["job", 2], ["other", null], ["gone", 0]]`. */
function parseEvents(payload: string): [string, number][] | undefined {
  try {
    const events: unknown = JSON.parse(payload);
    return Array.isArray(events) && events.every(isServed)
      ? events.map(([event, concurrency]) => [event, concurrency ?? Infinity])
      : undefined;
  } catch {
    return undefined;
  }
}

function isServed(entry: unknown): entry is [string, number | null] {
  if (!Array.isArray(entry)) return false;
  const [event, concurrency] = entry as unknown[];
  return typeof event === 'string' && (concurrency === null || (typeof concurrency === 'number' && concurrency >= 0));
}
