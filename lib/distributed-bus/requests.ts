import { MemberLostError } from '../errors/errors.js';
import {
  type Address,
  type Answer,
  type MemberId,
  type Outcome,
  type Request,
  type Waiter,
  DeliveryRefused,
  MemberAway,
} from '../bus/bus.interface.js';
import type { Loopback } from '../bus/calls/loopback.js';
import { PendingCalls } from '../bus/calls/pending-calls.js';
import type { MemberInfo } from './membership.js';
import type { Identity } from './presence.js';
import { inboxOf } from './tasks/task-message.js';
import { pack } from './envelope.js';
import { WireClock } from './wire-time.js';
import type { DirectMessage, RequestLetter } from './messages.js';

/** How requests and answers leave this process. */
export interface RequestWay {
  /**
   * Sends a message in its turn, which waits while too many bytes are on their way. `isWanted` is asked just before.
   */
  send(event: string, subject: string, message: Uint8Array, isWanted: () => boolean): Promise<void>;
  /** Whether a message that is sent to the member now may not reach it. */
  isAway(member: MemberId): boolean;
  /** Sends an answer now, or when the connection is back. */
  answer(subject: string, message: Uint8Array): void;
}

/** Requests from one member to another, and their answers. */
export class Requests {
  private readonly calls = new PendingCalls();
  private readonly times: WireClock;
  /** Requests that wait for a member that is away, by member and by the number of the call. */
  private readonly held = new Map<MemberId, Map<number, () => void>>();

  constructor(
    private readonly identity: Identity,
    private readonly way: RequestWay,
    /** Delivers what this process sends to itself. Its broadcasts go the same way, so that the order is kept. */
    private readonly loopback: Loopback,
    /** Whether this member takes requests. */
    private readonly isTaken: () => boolean,
    private readonly receive: (request: Request) => void,
  ) {
    this.times = new WireClock(identity.primary);
  }

  request(to: MemberId, event: string, payload: Uint8Array, deadline: number, waiter: Waiter<Answer>): void {
    const id = this.calls.add({ what: 'request', to, event, waiter });
    waiter.cancel = () => {
      this.calls.take(id);
      this.held.get(to)?.delete(id);
    };
    const { id: fromId, address: from } = this.identity;
    if (to === fromId) {
      return this.loopback.push(() => this.requestedByItself({ id, event, payload, from, fromId, deadline }));
    }
    const letter: DirectMessage = { type: 'request', id, event, from, fromId, deadline: this.times.toWire(deadline) };
    const message = pack(letter, payload);
    const isWanted = () => this.calls.get(id) !== undefined;
    const send = () =>
      void this.way
        .send(event, inboxOf(to), message, isWanted)
        .catch((error: unknown) => this.calls.takeRequest(id, to)?.reject(error));
    if (this.way.isAway(to)) this.hold(to, id, send);
    else send();
  }

  /** The member was heard again: requests that waited for it are sent, in order. */
  back(member: MemberId): void {
    const held = this.held.get(member);
    this.held.delete(member);
    for (const send of held?.values() ?? []) send();
  }

  reply({ id, fromId: to }: Request, outcome: Outcome, payload: Uint8Array): void {
    const { id: fromId, address: slot } = this.identity;
    if (to === fromId) return this.loopback.push(() => this.answered(id, fromId, { outcome, payload, slot }));
    const letter: DirectMessage = { type: 'reply', id, outcome, slot, fromId };
    this.way.answer(inboxOf(to), pack(letter, payload));
  }

  onMessage(letter: RequestLetter, payload: Uint8Array): void {
    switch (letter.type) {
      case 'request': {
        const { id, event, from, fromId } = letter;
        return this.requested({ id, event, payload, from, fromId, deadline: this.times.fromWire(letter.deadline) });
      }
      case 'reply':
        return this.answered(letter.id, letter.fromId, { outcome: letter.outcome, payload, slot: letter.slot });
      case 'refused':
        this.calls.takeRequest(letter.id, letter.fromId)?.reject(new DeliveryRefused('The member leaves.'));
    }
  }

  /** The member is gone: calls that wait for its answer are rejected. */
  lost({ id, slot, host, worker }: MemberInfo): void {
    const [address, name]: [Address, string] =
      worker === 0 ? ['primary', `The primary of ${host}`] : [slot, `The worker in slot ${slot} of ${host}`];
    this.release(id);
    const lost = (event = '') =>
      new MemberLostError(
        address,
        `${name} went away before it answered '${event}'; whether it ran the call is unknown.`,
      );
    this.calls.rejectRequestsTo(id, lost);
  }

  /** Answers of other members may be lost: calls that wait for one are rejected. */
  cutOff(error: (event: string | undefined) => Error): void {
    this.held.clear();
    this.calls.rejectRequests((to) => to !== this.identity.id, error);
  }

  close(error: () => Error): void {
    this.calls.rejectAll(error);
  }

  private hold(member: MemberId, call: number, send: () => void): void {
    const held = this.held.get(member) ?? new Map<number, () => void>();
    this.held.set(member, held);
    held.set(call, send);
  }

  /**
   * Requests that were held back are rejected with `MemberAway`, so that the caller can ask the member again when it is
   * back, or its successor. This waits until everything in this process knows that the member is lost.
   */
  private release(member: MemberId): void {
    const calls = [...(this.held.get(member)?.keys() ?? [])].map((call) => this.calls.takeRequest(call, member));
    this.held.delete(member);
    queueMicrotask(() => {
      for (const call of calls) call?.reject(new MemberAway('The member is away.'));
    });
  }

  private requested(request: Request): void {
    if (this.isTaken()) return this.receive(request);
    const letter: DirectMessage = { type: 'refused', id: request.id, fromId: this.identity.id };
    this.way.answer(inboxOf(request.fromId), pack(letter));
  }

  private requestedByItself(request: Request): void {
    if (this.isTaken()) this.receive(request);
    else this.calls.takeRequest(request.id, request.fromId)?.reject(new DeliveryRefused('This member leaves.'));
  }

  /** Only the member that was asked may answer. */
  private answered(id: number, member: MemberId, answer: Answer): void {
    this.calls.takeRequest(id, member)?.resolve(answer);
  }
}
