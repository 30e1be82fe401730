import { PRIMARY_ID, type Member, type MemberId } from '../../bus/bus.interface.js';
import { HubClaims } from './hub-claims.js';
import { FlowControl } from './flow-control.js';
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
import { MemberTable } from './member-table.js';
import { Router } from './router.js';
import { type MemberProcess, HubMember } from './hub-member.js';
import { hostTime } from '../../platform/clock.js';
import { ResultCache } from './result-cache.js';
import { TaskQueue } from './task-queue.js';

export interface HubOptions {
  /** How many bytes may wait for one member, and how many bytes of tasks may wait for a worker. */
  readonly queueLimit: number;
  /** Monotonic time in ms, the same as that of the members' deadlines. Default: the host's clock. */
  readonly now?: () => number;
  /** Called with warnings for the operator: members that do not keep up, are cut off, or break the protocol. */
  readonly warn: (message: string) => void;
  /** Called instead of `warn` when a member's link has ended; usually its process has ended, too. */
  readonly lost?: (id: MemberId, reason: string) => void;
}

/**
 * The centre of the star: receives the frames of all members and forwards them by their header. It never
 * looks into the payload of a message, and never waits.
 */
export class Hub {
  private readonly memberTable = new MemberTable();
  private readonly flowControl: FlowControl;
  private readonly router: Router;
  private readonly tasks: TaskQueue;
  private readonly claims: HubClaims;
  private closing = false;

  constructor(private readonly options: HubOptions) {
    const { queueLimit, warn, now = hostTime } = options;
    this.flowControl = new FlowControl(queueLimit, this.memberTable, () => this.tasks.dispatchWaiting());
    this.router = new Router(this.memberTable, this.flowControl, warn, now);
    const results = new ResultCache(warn, now);
    this.tasks = new TaskQueue(queueLimit, this.memberTable, this.flowControl, results, warn, now);
    this.claims = new HubClaims(queueLimit, this.flowControl, warn, now);
  }

  /** The ready workers, sorted by slot. */
  get members(): readonly Member[] {
    return this.memberTable.members;
  }

  /** How many broadcasts were not sent to a member because its heartbeat was overdue, since the start. */
  get leftOut(): number {
    return this.router.leftOutCount;
  }

  /** How many broadcasts were dropped because a member was far over its queue limit, since the start. */
  get dropped(): number {
    return this.router.droppedCount;
  }

  /**
   * Attaches a worker when it is forked. It may send, call and claim, and gets the answers, but gets no broadcast,
   * request or task before `ready`. It is detached when its link closes.
   *
   * @throws Error if there is already a member with this `id`
   */
  attach({ id, slot, generation, pid }: MemberProcess, link: Link): void {
    if (id === PRIMARY_ID) throw new Error(`Member ${PRIMARY_ID} is the primary; use attachPrimary().`);
    this.member(new HubMember(id, slot, generation, pid, link));
  }

  /** Attaches the primary itself: it gets every broadcast from now on, and runs no tasks. */
  attachPrimary(link: Link): void {
    const member = new HubMember(PRIMARY_ID, 'primary', 0, process.pid, link);
    member.state = 'ready';
    this.member(member);
  }

  /**
   * Slots 0 to `slots - 1` have a worker or will get one; 0 means that the cluster stops. From now on, no call waits
   * for a worker in another slot.
   */
  expect(slots: number): void {
    this.memberTable.expect(slots);
    if (slots === 0) this.tasks.dispatchWaiting();
  }

  /** The worker is ready and becomes a member. Does nothing if it is gone or leaving. */
  ready(id: MemberId): void {
    const member = this.memberTable.get(id);
    if (member?.state !== 'attached') return;
    member.state = 'ready';
    this.memberTable.changed();
    this.flowControl.check(member);
    this.tasks.dispatchWaiting();
  }

  /** Sets whether the worker's heartbeat is overdue. A suspect worker gets no broadcast and no new task. */
  suspect(id: MemberId, suspect: boolean): void {
    const member = this.memberTable.get(id);
    if (member === undefined || member.suspect === suspect) return;
    member.suspect = suspect;
    this.memberTable.changed();
    this.flowControl.check(member);
    if (!suspect) this.tasks.dispatchWaiting();
  }

  /** The cluster was asked to stop, while its workers still serve: shows that in their state. */
  stopping(): void {
    this.memberTable.stopping = true;
    this.memberTable.changed();
  }

  /**
   * The worker is leaving: it is not a member any more. It is sent a GOAWAY, after which it gets no broadcast,
   * request or task. It finishes what it is running; its own calls, replies and results still pass.
   */
  leaving(id: MemberId): void {
    const member = this.memberTable.get(id);
    if (member === undefined || member.isPrimary || member.state === 'leaving') return;
    member.state = 'leaving';
    member.link.send(newHubFrame(Kind.GOAWAY));
    this.memberTable.changed();
    this.flowControl.check(member);
    this.tasks.dispatchWaiting();
  }

  /** Cuts a worker's link and forgets the worker. What it sent and the hub has not read is lost. */
  detach(id: MemberId): void {
    this.memberTable.get(id)?.link.abort('it was detached');
  }

  /** Closes every link after its queued frames have been written. */
  close(): void {
    this.closing = true;
    for (const member of this.memberTable.all()) member.link.close();
  }

  private member(member: HubMember): void {
    this.memberTable.add(member);
    this.flowControl.brief(member);
    member.link.attach({
      onFrame: (frame) => this.route(member, frame),
      onDrain: () => this.flowControl.check(member),
      onClose: (reason) => this.lost(member, reason),
    });
  }

  private route(from: HubMember, frame: Frame): void {
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

  private requestEach(from: HubMember, frame: Frame): void {
    const targets = targetsOf(frame);
    if (targets === undefined) return this.cut(from, 'it sent a list of members that cannot be read');
    for (const target of targets) this.router.request(from, target, frame);
  }

  private cancel(from: HubMember, frame: Frame): void {
    if (keyOf(frame) === '') this.tasks.cancel(from, idOf(frame));
    else this.claims.cancel(from, frame);
  }

  private serve(from: HubMember, frame: Frame): void {
    const events = parseEvents(textIn(frame));
    if (events === undefined) return this.cut(from, 'it sent a list of events that cannot be read');
    for (const event of events) from.toServe.push(event);
    if (idOf(frame) > 0) return;
    from.serve(from.toServe.splice(0));
    this.tasks.dispatchWaiting();
  }

  private cut(member: HubMember, reason: string): void {
    member.link.abort(reason);
  }

  /** Everything the member sent has been routed. The others are now told that it is gone, and take over its work. */
  private lost(member: HubMember, reason: string): void {
    const wasLeaving = member.state === 'leaving';
    member.state = 'gone';
    this.memberTable.remove(member);
    const frame = newFrame(Kind.LOST);
    member.stamp(frame);
    setTarget(frame, member.id);
    for (const other of this.memberTable.all()) other.link.send(frame);
    this.flowControl.check(member);
    this.memberTable.changed();
    this.tasks.lost(member);
    this.claims.lost(member);
    this.tasks.dispatchWaiting();
    // The primary closes its own end only when the cluster has stopped.
    if (wasLeaving || this.closing || member.isPrimary) return;
    if (this.options.lost) this.options.lost(member.id, reason);
    else this.options.warn(`The bus lost ${member.name}: ${reason}.`);
  }
}

/** Parses the events and their concurrency; undefined if malformed: `[["job", 2], ["other", null], ["gone", 0]]`. */
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
