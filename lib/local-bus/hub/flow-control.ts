import { type MemberId, PRIMARY_ID } from '../../bus/bus.interface.js';
import { type Frame, Kind, newFrame, newHubFrame, setTarget } from '../wire/frame.js';
import type { MemberTable } from './member-table.js';
import type { HubMember } from './hub-member.js';

/** A member's queue may grow to this many times the limit by what the others sent before they were told. */
const HARD_FACTOR = 4;

/** And by this many bytes more, which may be on their way when the limit is small. */
const IN_FLIGHT_SLACK = 1024 * 1024;

/** A member whose queue of mere answers grows to this many times the hard bound takes nothing and asks on: it is cut off. */
const CUT_FACTOR = 2;

/**
 * What happens when a member takes less than it is sent. Over the limit the others are told and hold what is
 * meant for it; under half of it they go on. What still comes is taken up to a hard bound, so that the hub's
 * memory is bounded whatever a member does.
 */
export class FlowControl {
  private readonly hardBound: number;
  private readonly congested = new Set<HubMember>();

  constructor(
    /** Bytes that may wait for one member. */
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

  /** Sends a frame unless the member's queue is over the hard bound; says whether it was sent. */
  offer(member: HubMember, frame: Frame): boolean {
    if (!this.hasRoom(member)) return false;
    member.link.send(frame);
    this.check(member);
    return true;
  }

  /** Sends a small frame of the hub's own, on which a call of the member depends. */
  sendOwn(member: HubMember, frame: Frame): void {
    member.link.send(frame);
    if (member.link.queued > this.hardBound * CUT_FACTOR) {
      member.link.abort(`it has ${member.link.queued} bytes waiting, reads none of them and still sends`);
    }
  }

  /** Tells a member that its call was not queued, or that the answer, which is that of `target`, had no room. */
  overflow(member: HubMember, call: number, target: MemberId = PRIMARY_ID): void {
    const frame = newHubFrame(Kind.OVERFLOW, call);
    setTarget(frame, target);
    this.sendOwn(member, frame);
  }

  /** Looks at a member again: its queue grew or shrank, or it became suspect, leaves or is back. */
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

  /** Tells a new member whom to wait for. */
  brief(newcomer: HubMember): void {
    for (const member of this.congested) {
      const frame = newFrame(Kind.CONGESTED);
      setTarget(frame, member.id);
      newcomer.link.send(frame);
    }
  }

  /** Nobody needs to wait for a member that gets no broadcast anyhow. */
  private isOver(member: HubMember): boolean {
    return member.listens && member.link.queued > this.limit;
  }
}
