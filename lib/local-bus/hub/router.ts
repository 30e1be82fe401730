import type { MemberId } from '../../bus/bus.interface.js';
import type { Congestion } from './flow-control.js';
import { type Frame, idOf, Kind, newHubFrame, setTarget, sourceOf, targetOf } from '../wire/frame.js';
import type { Roster } from './member-table.js';
import type { Seat } from './hub-member.js';
import { ThrottledWarning } from '../../platform/throttled-warning.js';

/** Broadcasts, requests and replies: from one member straight to others, remembering nothing. */
export class Router {
  private readonly leftOut: ThrottledWarning;
  private readonly dropped: ThrottledWarning;

  constructor(
    private readonly roster: Roster,
    private readonly congestion: Congestion,
    warn: (message: string) => void,
    now: () => number,
  ) {
    this.leftOut = new ThrottledWarning(
      warn,
      now,
      (count, who) => `${count} broadcast(s) were not sent to ${who}: its heartbeat is overdue.`,
    );
    this.dropped = new ThrottledWarning(
      warn,
      now,
      (count, who) =>
        `${count} broadcast(s) were dropped for ${who}: far more than messenger.queueLimit waits for it. ` +
        `It does not keep up; look for what blocks its event loop.`,
    );
  }

  /** Broadcasts not sent to a suspect member, ever. */
  get leftOutCount(): number {
    return this.leftOut.count;
  }

  /** Broadcasts dropped because a member's queue was over the hard bound, ever. */
  get droppedCount(): number {
    return this.dropped.count;
  }

  publish(from: Seat, frame: Frame): void {
    for (const seat of this.roster.listeners) {
      if (seat !== from && !this.congestion.offer(seat, frame)) this.dropped.due(seat.name);
    }
    for (const seat of this.roster.suspects) {
      if (seat !== from) this.leftOut.due(seat.name);
    }
  }

  request(from: Seat, target: MemberId, frame: Frame): void {
    const to = this.roster.get(target);
    if (to?.state === 'ready' && this.congestion.offer(to, frame)) return;
    const refused = newHubFrame(Kind.REFUSED, idOf(frame));
    setTarget(refused, target);
    this.congestion.tell(from, refused);
  }

  /** A reply goes to whoever asked, ready or not; if that member is gone, nobody waits for it. */
  reply(frame: Frame): void {
    const to = this.roster.get(targetOf(frame));
    if (to === undefined || this.congestion.offer(to, frame)) return;
    this.congestion.overflow(to, idOf(frame), sourceOf(frame));
  }
}
