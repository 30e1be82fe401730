import { type Member, type MemberId, standing } from '../../bus/bus.interface.js';
import { type Frame, Kind, newFrame, setId } from '../wire/frame.js';
import type { HubMember } from './hub-member.js';

/** The number of slots until the supervisor has told it: the largest number that a frame can carry. */
const MANY = 2 ** 32 - 1;

/** All members, and the views of them that the hub needs for routing. */
export class MemberTable {
  private readonly attached = new Map<MemberId, HubMember>();
  /** The ready workers, sorted by slot. */
  members: readonly Member[] = [];
  /** The members that get broadcasts. */
  listeners: readonly HubMember[] = [];
  /** Ready workers that get no broadcast because they are suspect. */
  suspects: readonly HubMember[] = [];
  /** All ready workers, suspect or not. */
  workers: readonly HubMember[] = [];
  /** How many slots should have a worker. */
  slots = MANY;
  /** Whether the cluster was asked to stop. */
  stopping = false;

  get(id: MemberId): HubMember | undefined {
    return this.attached.get(id);
  }

  all(): Iterable<HubMember> {
    return this.attached.values();
  }

  add(member: HubMember): void {
    if (this.attached.has(member.id)) throw new Error(`Bus member ${member.id} is attached already.`);
    this.attached.set(member.id, member);
    this.refresh();
    member.link.send(this.membersFrame());
  }

  remove(member: HubMember): void {
    this.attached.delete(member.id);
  }

  /** Sets how many slots should have a worker, and tells all members. */
  expect(slots: number): void {
    if (this.slots === slots) return;
    this.slots = slots;
    this.announce();
  }

  /** A member's state changed: refreshes the views, and tells all members if the membership has changed. */
  changed(): void {
    const before = encodeMembers(this.members);
    this.refresh();
    if (!before.equals(encodeMembers(this.members))) this.announce();
  }

  private announce(): void {
    const frame = this.membersFrame();
    for (const member of this.attached.values()) member.link.send(frame);
  }

  private membersFrame(): Frame {
    const frame = newFrame(Kind.MEMBERS, '', '', encodeMembers(this.members));
    setId(frame, this.slots);
    return frame;
  }

  private refresh(): void {
    const all = [...this.attached.values()];
    this.listeners = all.filter((member) => member.listens);
    this.workers = all.filter((member) => member.state === 'ready' && !member.isPrimary);
    this.suspects = this.workers.filter((member) => member.suspect);
    this.members = this.workers
      .map((member) => toMember(member, this.stopping))
      .sort((a, b) => a.slot - b.slot || a.id - b.id);
  }
}

function toMember({ id, address, generation, pid, suspect }: HubMember, stopping: boolean): Member {
  return { id, slot: address as number, generation, pid, ...standing(suspect, stopping) };
}

const encodeMembers = (members: readonly Member[]): Buffer => Buffer.from(JSON.stringify(members));

/** Parses the members of a MEMBERS frame. */
export const decodeMembers = (text: string): readonly Member[] => JSON.parse(text) as readonly Member[];
