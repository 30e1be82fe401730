import type { Address, Answer, Member, MemberId, Waiter } from '../bus/bus.interface.js';
import { PRIMARY_ID } from '../bus/bus.interface.js';
import { DeliveryRefused } from '../bus/delivery-refused.js';
import { MemberLostError } from '../errors/index.js';
import type { Connection } from './connection.js';
import type { Deadline, Part } from './deadline.js';
import type { CallInfo } from './outcome.js';
import { noWorkerReady, timedOut } from './outcome.js';

/** A request to one slot, or the primary, whichever process is there. */
export class SlotRequest implements Waiter<Answer> {
  cancel: (() => void) | undefined = undefined;
  #part!: Part<Answer>;
  /** Whom it was sent to last. */
  #to: MemberId | undefined;
  #refused: MemberId | undefined;
  #sent = false;
  #scaledAway = false;

  constructor(
    private readonly connection: Connection,
    private readonly call: CallInfo,
    private readonly address: Address,
    private readonly payload: Uint8Array,
    private readonly deadline: Deadline,
  ) {}

  /**
   * Sends it to `member`, or to the slot's ready worker, now or once there is one. A worker that leaves
   * before it took the request has not run it, so the slot's next one gets it.
   */
  send(part: Part<Answer>, member?: Member): void {
    this.#part = part;
    part.cancel = () => this.cancel?.();
    if (this.address === 'primary') this.#request(PRIMARY_ID);
    else if (member !== undefined) this.#request(member.id);
    else this.#find(this.address);
  }

  resolve(answer: Answer): void {
    this.#part.resolve(answer);
  }

  reject(error: unknown): void {
    if (!(error instanceof DeliveryRefused)) return this.#part.reject(error);
    if (this.address === 'primary') return this.#part.reject(lost(this.call, this.address));
    this.#refused = this.#to;
    this.#sent = false;
    this.#find(this.address);
  }

  /** Whether the slot was scaled away before its worker took the request. */
  get scaledAway(): boolean {
    return this.#scaledAway;
  }

  /** The error for a deadline that passed. */
  readonly expired = (): Error => {
    const { address } = this;
    if (this.#sent) return timedOut(this.call, `${name(address)} did not answer in time`);
    if (this.#refused !== undefined) return lost(this.call, address);
    const slots = this.connection.slots().map(({ slot }) => slot);
    if (slots.length === 0) return noWorkerReady(this.call);
    return noWorkerReady(this.call, `no worker became ready in slot ${address}; ready slots: ${slots.join(', ')}`);
  };

  /** Found at once, it is sent to at once: that keeps a sender's messages in order. */
  #find(slot: number): void {
    this.connection.member(
      this.call.label,
      this,
      { wanted: this.#wanted, never: () => this.#gone(slot), slot },
      ({ id }) => this.#request(id),
      (error) => this.#part.reject(error),
    );
  }

  #gone(slot: number): MemberLostError {
    const { slots } = this.connection.bus;
    this.#scaledAway = slots > 0;
    const why = slots > 0 ? `was scaled down to ${slots}` : 'stops';
    const { label } = this.call;
    return new MemberLostError(
      slot,
      `${label}: slot ${slot} has no worker any more, and gets none: the cluster ${why}.`,
    );
  }

  readonly #wanted = ({ slot, id }: Member) => slot === this.address && id !== this.#refused;

  #request(id: MemberId): void {
    if (this.#part.isOver) return;
    this.#to = id;
    this.#sent = true;
    this.cancel = undefined;
    this.#part.begin(() => this.connection.bus.request(id, this.call.event, this.payload, this.deadline.at, this));
  }
}

function lost(call: CallInfo, address: Address): MemberLostError {
  const next = address === 'primary' ? '' : ' and no other worker became ready there in time';
  return new MemberLostError(
    address,
    `${call.label}: ${name(address)} left before it took the message${next}. Try again.`,
  );
}

function name(address: Address): string {
  return address === 'primary' ? 'the primary' : `slot ${address}`;
}
