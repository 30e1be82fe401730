import { type MemberId, PRIMARY_ID } from '../../bus/bus.interface.js';
import { type Frame, Kind, newFrame, newHubFrame, setTarget } from '../wire/frame.js';
import type { Roster } from './member-table.js';
import type { Seat } from './hub-member.js';

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
export class Congestion {
  private readonly hardBound: number;
  private readonly congested = new Set<Seat>();

  constructor(
    /** Bytes that may wait for one member. */
    private readonly limit: number,
    private readonly roster: Roster,
    /** Called when a member takes frames again. */
    private readonly onRelief: () => void,
  ) {
    this.hardBound = limit * HARD_FACTOR + IN_FLIGHT_SLACK;
  }

  /** Whether the member's queue is within the hard bound. */
  hasRoom(seat: Seat): boolean {
    return seat.link.queued <= this.hardBound;
  }

  /** Sends a frame unless the member's queue is over the hard bound; says whether it was sent. */
  offer(seat: Seat, frame: Frame): boolean {
    if (!this.hasRoom(seat)) return false;
    seat.link.send(frame);
    this.check(seat);
    return true;
  }

  /** Sends a small frame of the hub's own, on which a call of the member depends. */
  tell(seat: Seat, frame: Frame): void {
    seat.link.send(frame);
    if (seat.link.queued > this.hardBound * CUT_FACTOR) {
      seat.link.abort(`it has ${seat.link.queued} bytes waiting, reads none of them and still sends`);
    }
  }

  /** Tells a member that its call was not queued, or that the answer, which is that of `target`, had no room. */
  overflow(seat: Seat, call: number, target: MemberId = PRIMARY_ID): void {
    const frame = newHubFrame(Kind.OVERFLOW, call);
    setTarget(frame, target);
    this.tell(seat, frame);
  }

  /** Looks at a member again: its queue grew or shrank, or it became suspect, leaves or is back. */
  check(seat: Seat): void {
    if (seat.congested ? seat.listens && seat.link.queued >= this.limit / 2 : !this.isOver(seat)) return;
    seat.congested = !seat.congested;
    if (seat.congested) this.congested.add(seat);
    else this.congested.delete(seat);
    const frame = newFrame(seat.congested ? Kind.CONGESTED : Kind.RELIEVED);
    setTarget(frame, seat.id);
    for (const other of this.roster.all()) {
      if (other !== seat) other.link.send(frame);
    }
    if (!seat.congested) this.onRelief();
  }

  /** Tells a new member whom to wait for. */
  brief(newcomer: Seat): void {
    for (const seat of this.congested) {
      const frame = newFrame(Kind.CONGESTED);
      setTarget(frame, seat.id);
      newcomer.link.send(frame);
    }
  }

  /** Nobody needs to wait for a member that gets no broadcast anyhow. */
  private isOver(seat: Seat): boolean {
    return seat.listens && seat.link.queued > this.limit;
  }
}
