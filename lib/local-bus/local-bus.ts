import { BackpressureError, MemberLostError, NotConnectedError, PayloadTooLargeError } from '../errors/errors.js';
import {
  type Address,
  type Answer,
  type Bus,
  type BusReceiver,
  type Claim,
  type Member,
  type MemberId,
  type Outcome,
  type Request,
  type ServedEvent,
  type Task,
  type TaskRequest,
  type Waiter,
  DeliveryRefused,
} from '../bus/bus.interface.js';
import type { Encoded } from '../codec/codec.js';
import { requestEach } from '../bus/calls/request-each.js';
import { answerIn, publicationIn, requestIn, taskIn } from './deliveries.js';
import {
  type Frame,
  idOf,
  Kind,
  kindOf,
  newFrame,
  newRequestEach,
  payloadOf,
  setAttempts,
  setDeadline,
  setId,
  setOutcome,
  setRedeliveries,
  setTarget,
  setTerm,
  setWantsProgress,
  sourceOf,
  sourceSlotOf,
  targetOf,
  termOf,
  textIn,
  tooLong,
} from './wire/frame.js';
import type { Link } from './wire/link.js';
import { Loopback } from '../bus/calls/loopback.js';
import { SendQueue, type Target, type Waiting } from './send-queue.js';
import { PendingCalls, type SingleCall } from '../bus/calls/pending-calls.js';
import { decodeMembers } from './hub/member-table.js';
import { GroupCall } from '../bus/calls/group-call.js';

export interface LocalBusOptions {
  /** Largest payload, in bytes. */
  readonly maxPayload: number;
  /** How many bytes of calls may wait to be sent. */
  readonly queueLimit: number;
}

/** The return value of `publish` when nothing has to wait. */
const TAKEN = Promise.resolve();

/** A member's end of the embedded bus. It exchanges frames with the hub over one link. */
export class LocalBus implements Bus {
  readonly maxPayload: number;
  readonly drained: Promise<void>;
  members: readonly Member[] = [];
  slots = 0;
  private readonly calls = new PendingCalls();
  private readonly sendQueue: SendQueue;
  private readonly loopback = new Loopback();
  /** The terms of the claims that this member holds, by key. */
  private readonly held = new Map<string, number>();
  private publications = 0;
  private receiver: BusReceiver | undefined;
  /** What the hub knows about the events that this member serves; undefined until it was told. */
  private served: Map<string, number | null> | undefined;
  private opened: { resolve: () => void; reject: (error: Error) => void } | undefined;
  private resolveDrained!: () => void;
  private isDrained = false;
  /** Why the bus is closed; undefined while it is open. */
  private closed: string | undefined;
  private linkClosed!: () => void;
  private readonly whenLinkClosed: Promise<void>;

  constructor(
    private readonly link: Link,
    readonly self: { readonly id: MemberId; readonly address: Address; readonly generation: number },
    { maxPayload, queueLimit }: LocalBusOptions,
  ) {
    this.maxPayload = maxPayload;
    this.sendQueue = new SendQueue(link, queueLimit);
    this.drained = new Promise((resolve) => (this.resolveDrained = resolve));
    this.whenLinkClosed = new Promise((resolve) => (this.linkClosed = resolve));
  }

  /** Whether a call of this member waits to be sent or answered, or `open` waits for the membership. */
  get isWaiting(): boolean {
    return this.opened !== undefined || this.calls.size > 0 || this.sendQueue.size > 0;
  }

  open(receiver: BusReceiver): Promise<void> {
    if (this.receiver !== undefined) return Promise.reject(new Error('The bus is open already.'));
    if (this.closed !== undefined) return Promise.reject(this.notConnected());
    this.receiver = receiver;
    const opened = new Promise<void>((resolve, reject) => (this.opened = { resolve, reject }));
    this.link.attach({
      onFrame: (frame) => this.receive(frame),
      onDrain: () => this.sendQueue.passOn(),
      onClose: (reason) => this.disconnected(reason),
    });
    return opened;
  }

  serve(events: readonly ServedEvent[]): void {
    const served = new Map(events.map(({ event, concurrency }) => [event, concurrency ?? null]));
    const changes = this.served === undefined ? [...served] : changesOf(this.served, served);
    // The first list is sent even if it is empty: it tells the hub that the list is known.
    if (this.served !== undefined && changes.length === 0) return;
    const parts = partsOf(changes);
    this.served = served;
    for (const [i, part] of parts.entries()) {
      const frame = newFrame(Kind.SERVE, '', '', Buffer.from(part));
      setId(frame, parts.length - 1 - i);
      this.link.send(frame);
    }
  }

  publish(event: string, payload: Uint8Array): Promise<void> {
    const refusal = this.refusal(event, payload);
    if (refusal !== undefined) return Promise.reject(refusal);
    let frame: Frame;
    try {
      frame = newFrame(Kind.PUBLISH, event, '', payload);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.pass('everyone', frame.length, () => this.sendPublish(frame, event, payload));
  }

  request(to: MemberId, event: string, payload: Uint8Array, deadline: number, waiter: Waiter<Answer>): void {
    const refusal = this.refusal(event, payload);
    if (refusal !== undefined) return waiter.reject(refusal);
    const frame = newFrame(Kind.REQUEST, event, '', payload);
    setTarget(frame, to);
    setDeadline(frame, deadline);
    this.call({ what: 'request', to, waiter }, to, frame);
  }

  requestEach(
    to: readonly MemberId[],
    event: string,
    payload: Uint8Array,
    deadline: number,
    waiters: readonly Waiter<Answer>[],
  ): void {
    const others = to.filter((member) => member !== this.self.id);
    const isRefused = this.refusal(event, payload) !== undefined;
    // If one of them may have to wait, they are sent one by one as well.
    if (others.length < 2 || isRefused || !this.sendQueue.isClear('everyone')) {
      return requestEach(this, to, event, payload, deadline, waiters);
    }
    const frame = newRequestEach(event, others, payload);
    const group = new GroupCall();
    const id = this.calls.add(group);
    setDeadline(frame, deadline);
    setId(frame, id);
    for (const [i, member] of to.entries()) {
      const waiter = waiters[i]!;
      if (member === this.self.id) {
        this.request(member, event, payload, deadline, waiter);
        continue;
      }
      group.add(member, waiter);
      waiter.cancel = () => this.calls.takeRequest(id, member);
    }
    this.link.send(frame);
  }

  reply(request: Request, outcome: Outcome, payload: Uint8Array): void {
    this.checkSize(request.event, payload);
    if (request.fromId === this.self.id) {
      this.loopback.push(() => this.answered(request.id, this.self.id, { outcome, payload, slot: this.self.address }));
      return;
    }
    const frame = newFrame(Kind.REPLY, '', '', payload);
    setId(frame, request.id);
    setTarget(frame, request.fromId);
    setOutcome(frame, outcome);
    this.link.send(frame);
  }

  enqueue(task: TaskRequest, waiter: Waiter<Answer>): void {
    const { event, key, payload, deadline, redeliveries, attempts, onProgress } = task;
    const refusal = this.refusal(event, payload);
    if (refusal !== undefined) return waiter.reject(refusal);
    const frame = newFrame(Kind.TASK, event, key, payload);
    setDeadline(frame, deadline);
    setRedeliveries(frame, redeliveries);
    setAttempts(frame, attempts);
    setWantsProgress(frame, onProgress !== undefined);
    this.call({ what: 'task', onProgress, waiter }, 'nobody', frame);
  }

  progress(task: Task, payload: Uint8Array): Promise<void> {
    const refusal = this.refusal(task.event, payload);
    if (refusal !== undefined) return Promise.reject(refusal);
    const frame = newFrame(Kind.PROGRESS, '', '', payload);
    setId(frame, task.id);
    return this.pass(task.fromId, frame.length, () => this.link.send(frame));
  }

  settle(task: Task, outcome: Outcome, payload: Uint8Array): void {
    // On this outcome the hub removes the event from what this member serves, so a later `serve` has to send it again.
    if (outcome === 'no-handler') this.served?.delete(task.event);
    this.checkSize(task.event, payload);
    const frame = newFrame(Kind.RESULT, '', '', payload);
    setId(frame, task.id);
    setOutcome(frame, outcome);
    this.link.send(frame);
  }

  claim(key: string, ttl: number, waiter: Waiter<Claim>): void {
    if (this.closed !== undefined) return waiter.reject(this.notConnected());
    const frame = newFrame(Kind.CLAIM, '', key);
    setDeadline(frame, ttl);
    this.call({ what: 'claim', key, waiter }, 'nobody', frame);
  }

  conclude(key: string, outcome: 'ok' | 'error', payload: Uint8Array): void {
    this.checkSize(key, payload);
    const term = this.held.get(key);
    if (term === undefined) return;
    this.held.delete(key);
    const frame = newFrame(Kind.CONCLUDE, '', key, payload);
    setOutcome(frame, outcome);
    setTerm(frame, term);
    this.link.send(frame);
  }

  flush(): Promise<void> {
    return this.link.flush();
  }

  async close(): Promise<void> {
    if (this.closed === undefined) {
      this.markClosed('it was closed');
      if (this.receiver === undefined) return this.link.abort('closed before it was opened');
      this.link.close();
    }
    await this.whenLinkClosed;
  }

  /** Sends a frame that has no answer, now or when its turn comes. Resolves when it was sent. */
  private pass(target: Target, bytes: number, send: () => void): Promise<void> {
    if (this.sendQueue.isClear(target)) {
      send();
      return TAKEN;
    }
    return new Promise((resolve, reject) => {
      const pass = () => {
        send();
        resolve();
      };
      this.sendQueue.wait({ target, bytes, pass, fail: reject });
    });
  }

  /** Sends a call now or when its turn comes, and keeps it until its answer arrives or the caller gives up. */
  private call(call: SingleCall, target: Target, frame: Frame): void {
    const { waiter } = call;
    if (this.sendQueue.isClear(target)) return this.passCall(call, target, frame);
    const waiting: Waiting = {
      target,
      bytes: frame.length,
      pass: () => this.passCall(call, target, frame),
      fail: (error) => waiter.reject(error),
    };
    this.sendQueue.wait(waiting);
    waiter.cancel = () => this.sendQueue.remove(waiting);
  }

  private passCall(call: SingleCall, target: Target, frame: Frame): void {
    const id = this.calls.add(call);
    setId(frame, id);
    call.waiter.cancel = () => this.cancel(id);
    if (target === this.self.id) this.loopback.push(() => this.receiveOwnRequest(frame));
    else this.link.send(frame);
  }

  private cancel(id: number): void {
    const call = this.calls.take(id);
    if (call?.what !== 'task' && call?.what !== 'claim') return;
    const frame = newFrame(Kind.CANCEL, '', call.what === 'claim' ? call.key : '');
    setId(frame, id);
    this.link.send(frame);
  }

  private sendPublish(frame: Frame, event: string, payload: Uint8Array): void {
    const id = (this.publications = (this.publications + 1) >>> 0);
    setId(frame, id);
    // The link may delay it a moment, because no call waits for an answer to it.
    this.link.send(frame, true);
    this.loopback.push(() => this.receiver!.onPublish({ event, payload, from: this.self.address, id }));
  }

  private receive(frame: Frame): void {
    switch (kindOf(frame)) {
      case Kind.PUBLISH:
        return this.receiver!.onPublish(publicationIn(frame));
      case Kind.REQUEST:
      case Kind.REQUEST_EACH:
        return this.receiver!.onRequest(requestIn(frame, sourceOf(frame), sourceSlotOf(frame)));
      case Kind.TASK:
        return this.receiver!.onTask(taskIn(frame));
      case Kind.REPLY:
        return this.answered(idOf(frame), sourceOf(frame), answerIn(frame));
      case Kind.PROGRESS:
        return this.progressed(idOf(frame), payloadOf(frame));
      case Kind.ABANDONED:
        return this.receiver!.onAbandoned(idOf(frame));
      case Kind.RESULT:
        return this.settleTask(idOf(frame), answerIn(frame));
      case Kind.OUTCOME:
        return this.settleClaim(idOf(frame), { granted: false, answer: answerIn(frame) });
      case Kind.GRANT:
        return this.granted(idOf(frame), termOf(frame));
      case Kind.REFUSED:
        return this.failCall(frame, new DeliveryRefused('The member leaves, has left, or takes nothing any more.'));
      case Kind.OVERFLOW:
        return this.failCall(frame, overflow());
      case Kind.MEMBERS:
        this.slots = idOf(frame);
        return this.membersChanged(decodeMembers(textIn(frame)));
      case Kind.LOST:
        return this.memberLost(targetOf(frame), sourceSlotOf(frame));
      case Kind.CONGESTED:
        return this.sendQueue.hold(targetOf(frame));
      case Kind.RELIEVED:
        return this.sendQueue.release(targetOf(frame));
      case Kind.GOAWAY:
        return this.drain();
    }
  }

  private receiveOwnRequest(frame: Frame): void {
    if (this.isDrained) this.failCall(frame, new DeliveryRefused('This member leaves.'));
    else this.receiver!.onRequest(requestIn(frame, this.self.id, this.self.address));
  }

  /** Ignores an answer from a member that was not asked. */
  private answered(id: number, member: MemberId, answer: Answer): void {
    this.calls.takeRequest(id, member)?.resolve(answer);
  }

  private settleTask(id: number, answer: Answer): void {
    const call = this.calls.take(id);
    if (call?.what === 'task') call.waiter.resolve(answer);
  }

  private progressed(id: number, payload: Encoded): void {
    const call = this.calls.get(id);
    if (call?.what === 'task') call.onProgress?.(payload);
  }

  private settleClaim(id: number, claim: Claim): void {
    const call = this.calls.take(id);
    if (call?.what === 'claim') call.waiter.resolve(claim);
  }

  /**
   * If the caller has given up, the grant needs no answer: the hub gets the caller's CANCEL and grants the next claim.
   */
  private granted(id: number, term: number): void {
    const call = this.calls.get(id);
    if (call?.what !== 'claim') return;
    this.held.set(call.key, term);
    this.settleClaim(id, { granted: true, term });
  }

  /** Fails the call of a frame. If the call asked several members, fails the part of the frame's target. */
  private failCall(frame: Frame, error: Error): void {
    this.calls.takeWaiter(idOf(frame), targetOf(frame))?.reject(error);
  }

  private membersChanged(members: readonly Member[]): void {
    this.members = members;
    this.opened?.resolve();
    this.opened = undefined;
    this.receiver!.onMembers(members);
  }

  private memberLost(id: MemberId, slot: Address): void {
    const refused = () => new DeliveryRefused('The member is gone.');
    const lost = () =>
      new MemberLostError(slot, `${nameOf(slot)} went away before it answered; whether it ran the call is unknown.`);
    this.sendQueue.lose(id, refused);
    this.calls.rejectRequestsTo(id, lost);
  }

  private drain(): void {
    this.isDrained = true;
    this.resolveDrained();
  }

  /** Refuses an answer over the limit: the hub would take this member for broken, and cut its link. */
  private checkSize(name: string, payload: Uint8Array): void {
    if (payload.length > this.maxPayload) throw new PayloadTooLargeError(name, payload.length, this.maxPayload);
  }

  /** The reason why a call cannot be made; undefined if it can. */
  private refusal(event: string, payload: Uint8Array): Error | undefined {
    if (this.closed !== undefined) return this.notConnected();
    if (payload.length > this.maxPayload) return new PayloadTooLargeError(event, payload.length, this.maxPayload);
    return undefined;
  }

  private disconnected(reason: string): void {
    const isNews = this.closed === undefined;
    this.markClosed(reason);
    this.linkClosed();
    if (isNews) this.receiver!.onClosed(reason);
  }

  private markClosed(reason: string): void {
    if (this.closed !== undefined) return;
    this.closed = reason;
    this.drain();
    this.opened?.reject(this.notConnected());
    this.opened = undefined;
    this.sendQueue.close(() => this.notConnected());
    this.calls.rejectAll(() => this.notConnected());
  }

  private notConnected(): NotConnectedError {
    return new NotConnectedError(
      `This process is not connected to the cluster's bus any more: ${this.closed}. ` +
        `Finish messenger calls before the app is closed. If the primary died, the worker is about to end, too.`,
    );
  }
}

/** How many bytes of a list of events are sent in one frame: less than any link accepts, whatever `maxPayload` is. */
const SERVE_PART = 64 * 1024;

/** An event, and how many of its tasks run at once; null: no limit. */
type ServedEntry = readonly [event: string, concurrency: number | null];

/** What has changed. An event that is not served any more has a concurrency of 0. */
function changesOf(
  before: ReadonlyMap<string, number | null>,
  after: ReadonlyMap<string, number | null>,
): ServedEntry[] {
  const changed = [...after].filter(([event, concurrency]) => before.get(event) !== concurrency);
  const gone = [...before.keys()].filter((event) => !after.has(event));
  return [...changed, ...gone.map((event): ServedEntry => [event, 0])];
}

/**
 * The entries as one or more JSON texts, each of them a list.
 *
 * @throws InvalidArgumentError if the name of an event is too long
 */
function partsOf(entries: readonly ServedEntry[]): string[] {
  const parts: string[][] = [[]];
  let bytes = 0;
  for (const entry of entries) {
    const [event] = entry;
    const text = JSON.stringify(entry);
    const length = Buffer.byteLength(text) + 1;
    if (length > SERVE_PART) throw tooLong('event', event, length);
    if (bytes + length > SERVE_PART) {
      parts.push([]);
      bytes = 0;
    }
    bytes += length;
    parts.at(-1)!.push(text);
  }
  return parts.map((part) => `[${part.join(',')}]`);
}

const nameOf = (slot: Address): string => (slot === 'primary' ? 'The primary' : `The worker in slot ${slot}`);

const overflow = (): BackpressureError =>
  new BackpressureError(
    `A queue in the primary is over messenger.queueLimit, so the call was not queued or its answer had no room. ` +
      `Let fewer calls wait at a time, or raise the limit.`,
  );
