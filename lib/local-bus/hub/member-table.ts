import type { Member, MemberId } from '../../bus/bus.interface.js';
import { standing } from '../../bus/standing.js';
import { type Frame, Kind, newFrame, setId } from '../wire/frame.js';
import type { Seat } from './hub-member.js';

/** Until the supervisor has said how many slots there are; the largest number a frame carries. */
const MANY = 2 ** 32 - 1;

/** Who is there: every seat, and the views of them that the hub routes by. */
export class Roster {
  private readonly seats = new Map<MemberId, Seat>();
  /** The ready workers, by slot. */
  members: readonly Member[] = [];
  /** Those that get a broadcast. */
  listeners: readonly Seat[] = [];
  /** Ready workers that get no broadcast because they are suspect. */
  suspects: readonly Seat[] = [];
  /** Ready workers, suspect or not. */
  workers: readonly Seat[] = [];
  /** How many slots are to have a worker. */
  slots = MANY;
  /** Whether the cluster is asked to stop. */
  stopping = false;

  get(id: MemberId): Seat | undefined {
    return this.seats.get(id);
  }

  all(): Iterable<Seat> {
    return this.seats.values();
  }

  add(seat: Seat): void {
    if (this.seats.has(seat.id)) throw new Error(`Bus member ${seat.id} is attached already.`);
    this.seats.set(seat.id, seat);
    this.refresh();
    seat.link.send(this.word());
  }

  remove(seat: Seat): void {
    this.seats.delete(seat.id);
  }

  /** From now on so many slots are to have a worker; everybody hears of it. */
  expect(slots: number): void {
    if (this.slots === slots) return;
    this.slots = slots;
    this.tell();
  }

  /** A seat's state changed: renews the views, and tells everybody where the membership is another. */
  changed(): void {
    const before = encodeMembers(this.members);
    this.refresh();
    if (!before.equals(encodeMembers(this.members))) this.tell();
  }

  private tell(): void {
    const frame = this.word();
    for (const seat of this.seats.values()) seat.link.send(frame);
  }

  private word(): Frame {
    const frame = newFrame(Kind.MEMBERS, '', '', encodeMembers(this.members));
    setId(frame, this.slots);
    return frame;
  }

  private refresh(): void {
    const seats = [...this.seats.values()];
    this.listeners = seats.filter((seat) => seat.listens);
    this.workers = seats.filter((seat) => seat.state === 'ready' && !seat.isPrimary);
    this.suspects = this.workers.filter((seat) => seat.suspect);
    this.members = this.workers
      .map((seat) => toMember(seat, this.stopping))
      .sort((a, b) => a.slot - b.slot || a.id - b.id);
  }
}

function toMember({ id, address, generation, pid, suspect }: Seat, stopping: boolean): Member {
  return { id, slot: address as number, generation, pid, ...standing(suspect, stopping) };
}

const encodeMembers = (members: readonly Member[]): Buffer => Buffer.from(JSON.stringify(members));

/** The members in the text of a MEMBERS frame. */
export const decodeMembers = (text: string): readonly Member[] => JSON.parse(text) as readonly Member[];
