import {
  type Address,
  type Answer,
  type MemberId,
  PRIMARY_ID,
  DeliveryRefused,
  MemberAway,
} from '../bus/bus.interface.js';
import { MemberLostError } from '../errors/errors.js';
import type { BusConnection } from './bus-connection.js';
import { type Deadline, PendingCall } from './deadline.js';
import { type CallInfo, noWorkerReady, placeOf, timedOut, valueOf } from './outcome.js';

/** A request to one slot or to the primary, whichever process is there. */
export abstract class SlotRequest extends PendingCall<Answer> {
  /** The member that the request was last sent to. */
  #to: MemberId | undefined;
  #refused: MemberId | undefined;
  #sent = false;
  /** True if the slot's worker left before it received the request, and the slot gets no other worker. */
  protected hasNoMember = false;

  constructor(
    deadline: Deadline,
    protected readonly connection: BusConnection,
    protected readonly call: CallInfo,
    protected readonly address: Address,
    private readonly payload: Uint8Array,
    /**
     * The primary whose slot it is. A user's address means a slot of the caller's own host; a member may be elsewhere.
     */
    private readonly primary: MemberId | undefined = connection.bus.self.primary,
  ) {
    super(deadline);
  }

  /**
   * Sends the request to the slot's ready worker, now or when there is one. A worker that leaves before it received the
   * request has not run it, so the slot's next worker gets it.
   */
  send(): void {
    if (this.address === 'primary') this.sendTo(PRIMARY_ID);
    else this.#find(this.address);
  }

  /** Sends each request to the member at the same index in `to`. All requests have the same content. */
  static sendEach(requests: readonly SlotRequest[], to: readonly MemberId[]): void {
    const [first] = requests;
    if (first === undefined) return;
    for (const [i, request] of requests.entries()) {
      request.deadline.add(request);
      request.#goesTo(to[i]!);
    }
    const { connection, call, payload, deadline } = first;
    try {
      connection.bus.requestEach(to, call.event, payload, deadline.at, requests);
    } catch (error) {
      for (const request of requests) request.reject(error);
    }
  }

  /** Sends the request to this worker of the slot. */
  sendTo(id: MemberId): void {
    if (this.isOver) return;
    this.#goesTo(id);
    try {
      this.connection.bus.request(id, this.call.event, this.payload, this.deadline.at, this);
    } catch (error) {
      this.reject(error);
    }
  }

  #goesTo(id: MemberId): void {
    this.#to = id;
    this.#sent = true;
    this.cancel = undefined;
  }

  override reject(error: unknown): void {
    if (!(error instanceof DeliveryRefused)) return super.reject(error);
    if (this.address === 'primary') return super.reject(lost(this.call, this.address));
    if (!(error instanceof MemberAway)) this.#refused = this.#to;
    this.#sent = false;
    this.#find(this.address);
  }

  protected read(answer: Answer): unknown {
    return valueOf(answer, this.call, placeOf(this.address));
  }

  protected expired(): Error {
    const { address } = this;
    if (this.#sent) return timedOut(this.call, `${placeOf(address)} did not answer in time`);
    if (this.#refused !== undefined) return lost(this.call, address);
    const slots = this.connection.slots().map(({ slot }) => slot);
    if (slots.length === 0) return noWorkerReady(this.call);
    return noWorkerReady(this.call, `no worker became ready in slot ${address}; ready slots: ${slots.join(', ')}`);
  }

  /** If a worker is found at once, the request is sent at once: that keeps a sender's messages in order. */
  #find(slot: number): void {
    this.connection.member(
      this.call.label,
      this,
      {
        wanted: (member) => member.slot === slot && member.primary === this.primary && member.id !== this.#refused,
        never: () => this.#gone(slot),
        // This process does not know how many slots another host should have.
        slot: this.#isOwnHost ? slot : Infinity,
      },
      ({ id }) => this.sendTo(id),
      (error) => super.reject(error),
    );
  }

  get #isOwnHost(): boolean {
    return this.primary === this.connection.bus.self.primary;
  }

  #gone(slot: number): MemberLostError {
    const { slots } = this.connection.bus;
    this.hasNoMember = true;
    if (!this.#isOwnHost) {
      const text =
        `${this.call.label}: slot ${slot} of another host has no worker any more: it left before it received ` +
        `the message.`;
      return new MemberLostError(slot, text);
    }
    const why = slots > 0 ? `was scaled down to ${slots}` : 'stops';
    const { label } = this.call;
    return new MemberLostError(
      slot,
      `${label}: slot ${slot} has no worker any more and will get none: the cluster ${why}.`,
    );
  }
}

/** A `send` call: its outcome settles a promise. */
export class SendRequest extends SlotRequest {
  constructor(
    deadline: Deadline,
    connection: BusConnection,
    call: CallInfo,
    address: Address,
    payload: Uint8Array,
    protected readonly fulfil: (value: unknown) => void,
    protected readonly fail: (reason: unknown) => void,
  ) {
    super(deadline, connection, call, address, payload);
  }
}

function lost(call: CallInfo, address: Address): MemberLostError {
  const next = address === 'primary' ? '' : ' and no other worker became ready there in time';
  return new MemberLostError(
    address,
    `${call.label}: ${placeOf(address)} left before it received the message${next}. Try again.`,
  );
}
