import type { Address, Answer, Member } from '../bus/bus.interface.js';
import { PRIMARY_ID } from '../bus/bus.interface.js';
import { DeliveryRefused } from '../bus/delivery-refused.js';
import { MemberLostError } from '../errors/index.js';
import type { Connection } from './connection.js';
import type { CallSignal, Deadline } from './deadline.js';
import type { CallInfo } from './outcome.js';
import { noWorkerReady, timedOut } from './outcome.js';

/** A request to one slot, or the primary, whichever process is there. */
export class SlotRequest {
  #refused: number | undefined;
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
  async send(signal: CallSignal, member?: Member): Promise<Answer> {
    if (this.address === 'primary') return this.#request(PRIMARY_ID, signal);
    for (let to: Member | undefined = member; ; to = undefined) {
      // Found at once, it is sent to at once: that keeps a sender's messages in order.
      to ??= this.connection.ready(this.#wanted) ?? (await this.#next(this.address, signal));
      try {
        return await this.#request(to.id, signal);
      } catch (error) {
        if (!(error instanceof DeliveryRefused)) throw error;
        this.#refused = to.id;
        this.#sent = false;
      }
    }
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

  #next(slot: number, signal: CallSignal): Promise<Member> {
    const { connection, call } = this;
    return connection.member(call.label, signal, this.#wanted, () => this.#gone(slot), slot);
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

  async #request(id: number, signal: CallSignal): Promise<Answer> {
    signal.cancel = undefined;
    if (signal.cancelled) throw this.expired();
    this.#sent = true;
    try {
      return await this.connection.bus.request(id, this.call.event, this.payload, this.deadline.at, signal);
    } catch (error) {
      if (error instanceof DeliveryRefused && this.address === 'primary') throw lost(this.call, this.address);
      throw error;
    }
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
