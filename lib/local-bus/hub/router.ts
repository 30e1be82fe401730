import type { MemberId } from '../../bus/bus.interface.js';
import type { FlowControl } from './flow-control.js';
import { type Frame, idOf, Kind, newHubFrame, setTarget, sourceOf, targetOf } from '../wire/frame.js';
import type { MemberTable } from './member-table.js';
import type { HubMember } from './hub-member.js';
import { ThrottledWarning } from '../../platform/throttled-warning.js';

/** Routes broadcasts, requests and replies directly from one member to others, and keeps no state about them. */
export class Router {
  private readonly leftOut: ThrottledWarning;
  private readonly dropped: ThrottledWarning;

  constructor(
    private readonly memberTable: MemberTable,
    private readonly flowControl: FlowControl,
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

  /** How many broadcasts were not sent to a suspect member, since the start. */
  get leftOutCount(): number {
    return this.leftOut.count;
  }

  /** How many broadcasts were dropped because a member's queue exceeded the hard bound, since the start. */
  get droppedCount(): number {
    return this.dropped.count;
  }

  publish(from: HubMember, frame: Frame): void {
    for (const member of this.memberTable.listeners) {
      if (member !== from && !this.flowControl.offer(member, frame)) this.dropped.due(member.name);
    }
    for (const member of this.memberTable.suspects) {
      if (member !== from) this.leftOut.due(member.name);
    }
  }

  request(from: HubMember, target: MemberId, frame: Frame): void {
    const to = this.memberTable.get(target);
    if (to?.state === 'ready' && this.flowControl.offer(to, frame)) return;
    const refused = newHubFrame(Kind.REFUSED, idOf(frame));
    setTarget(refused, target);
    this.flowControl.sendOwn(from, refused);
  }

  /** Sends a reply to the member that asked, ready or not. If that member is gone, nobody waits for the reply. */
  reply(frame: Frame): void {
    const to = this.memberTable.get(targetOf(frame));
    if (to === undefined || this.flowControl.offer(to, frame)) return;
    this.flowControl.overflow(to, idOf(frame), sourceOf(frame));
  }
}
