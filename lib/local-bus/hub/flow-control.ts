import { type MemberId, PRIMARY_ID } from '../../bus/bus.interface.js';
import { type Frame, Kind, newFrame, newHubFrame, setTarget } from '../wire/frame.js';
import type { MemberTable } from './member-table.js';
import type { HubMember } from './hub-member.js';

/**
 * A member's queue may grow to this multiple of the limit, by messages that others sent before they were told to hold.
 */
const HARD_FACTOR = 4;

/** And by this many bytes more, which may be on their way when the limit is small. */
const IN_FLIGHT_SLACK = 1024 * 1024;

/**
 * If answers alone fill a queue to this multiple of the hard bound, its member reads nothing but keeps calling: it is
 * cut off.
 */
const CUT_FACTOR = 2;

/**
 * Handles a member that takes frames more slowly than they are sent to it. When its queue exceeds the limit, the others
 * are told to hold what is meant for it; below half of the limit they may go on. Frames that still arrive are accepted
 * up to a hard bound, so the memory of the hub is bounded whatever a member does.
 */
export class FlowControl {
  private readonly hardBound: number;
  private readonly congested = new Set<HubMember>();

  constructor(
    /** How many bytes may wait for one member. */
    private readonly limit: number,
    private readonly memberTable: MemberTable,
    /** Called when a member takes frames again. */
    private readonly onRelief: () => void,
  ) {
    this.hardBound = limit * HARD_FACTOR + IN_FLIGHT_SLACK;
  }

  /** Whether the member's queue is within the hard bound. */
  hasRoom(member: HubMember): boolean {
    return member.link.queued <= this.hardBound;
  }

  /** Sends a frame unless the member's queue exceeds the hard bound. Returns whether it was sent. */
  offer(member: HubMember, frame: Frame): boolean {
    if (!this.hasRoom(member)) return false;
    member.link.send(frame);
    this.check(member);
    return true;
  }

  /** Sends a small frame of the hub itself, on which a call of the member depends. */
  sendOwn(member: HubMember, frame: Frame): void {
    member.link.send(frame);
    if (member.link.queued > this.hardBound * CUT_FACTOR) {
      member.link.abort(`it has ${member.link.queued} bytes waiting, reads none of them and still sends`);
    }
  }

  /** Tells a member that its call was not queued, or that there was no room for the answer of `target`. */
  overflow(member: HubMember, call: number, target: MemberId = PRIMARY_ID): void {
    const frame = newHubFrame(Kind.OVERFLOW, call);
    setTarget(frame, target);
    this.sendOwn(member, frame);
  }

  /** Checks a member after a change: its queue grew or shrank, or it became suspect, is leaving or is back. */
  check(member: HubMember): void {
    if (member.congested ? member.listens && member.link.queued >= this.limit / 2 : !this.isOver(member)) return;
    member.congested = !member.congested;
    if (member.congested) this.congested.add(member);
    else this.congested.delete(member);
    const frame = newFrame(member.congested ? Kind.CONGESTED : Kind.RELIEVED);
    setTarget(frame, member.id);
    for (const other of this.memberTable.all()) {
      if (other !== member) other.link.send(frame);
    }
    if (!member.congested) this.onRelief();
  }

  /** Tells a new member which members are congested. */
  brief(newcomer: HubMember): void {
    for (const member of this.congested) {
      const frame = newFrame(Kind.CONGESTED);
      setTarget(frame, member.id);
      newcomer.link.send(frame);
    }
  }

  /** Whether the queue exceeds the limit. A member that gets no broadcasts never counts: nobody has to wait for it. */
  private isOver(member: HubMember): boolean {
    return member.listens && member.link.queued > this.limit;
  }
}
