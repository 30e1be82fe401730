import type { Clock, Timer } from '../platform/clock.js';
import { ownVersion } from '../platform/own-version.js';
import type { Address, Member, MemberId, MemberLoad, ServedEvent } from '../bus/bus.interface.js';
import {
  HEARTBEAT_INTERVAL,
  type Heartbeat,
  type MemberInfo,
  LOST_AFTER,
  Membership,
  type MembershipChange,
  type MemberState,
  type Served,
} from './membership.js';
import type { MemberMessage } from './messages.js';

/** The broker counts as silent when a process's own heartbeats have not come back for longer than this, in ms. */
export const BROKER_SILENT_AFTER = LOST_AFTER + HEARTBEAT_INTERVAL;

/** The most members whose last request for info is remembered. */
const MAX_ASKED = 10_000;

/** A silent member may still be alive for the duration of a lease, and at least for this time, in ms. */
const LEAST_SETTLING_TIME = 5_000;

/** What identifies a process among the members. */
export interface Identity {
  readonly id: MemberId;
  /** The id of the primary that supervises it; a primary has its own id here. */
  readonly primary: MemberId;
  /** The supervisor's number for this worker; 0 for the primary. */
  readonly worker: number;
  readonly address: Address;
  readonly host: string;
  readonly generation: number;
}

/** The current state of a process: its connection, its load and its leadership. */
export interface Condition {
  readonly isConnected: () => boolean;
  readonly load: () => MemberLoad | undefined;
  readonly leaderToken: () => number | undefined;
}

export interface PresenceListener {
  /** Sends a message to all members, at most once. */
  broadcast(message: MemberMessage): void;
  /** Asks a member who it is. */
  askInfo(member: MemberId): void;
  /** Sends this member's info to one other member. */
  sendInfo(member: MemberId, info: MemberInfo): void;
  onMembers(): void;
  onLost(info: MemberInfo): void;
  /** A member that was away was heard again. */
  onBack(member: MemberId): void;
  /** The broker is connected, and yet nothing comes back. */
  onSilence(): void;
  onHeardAgain(): void;
}

/**
 * This process as one of the members: it announces that it is alive and what it is, and hears the same of the others.
 */
export class Presence {
  /** How long a silent member may still be alive and come back, in ms. */
  readonly settlingTime: number;
  private readonly membership: Membership;
  private current: MemberState = 'booting';
  private serves: readonly ServedEvent[] | null = null;
  private servesMore = false;
  private revision = 0;
  private introducing = false;
  private timer: Timer | undefined;
  /** When each member was last asked for its info. */
  private readonly asked = new Map<MemberId, number>();
  /** How many checks in a row have found the broker silent. */
  private silentLooks = 0;
  private brokerSilent = false;
  private stopped = false;

  constructor(
    private readonly identity: Identity,
    private readonly condition: Condition,
    private readonly clock: Clock,
    lease: number,
    private readonly listener: PresenceListener,
  ) {
    this.settlingTime = Math.max(lease, LEAST_SETTLING_TIME);
    this.membership = new Membership(identity.id, clock.now(), this.settlingTime);
  }

  get state(): MemberState {
    return this.current;
  }

  /** Whether the broker is silent, as far as this process has noticed. */
  get isBrokerSilent(): boolean {
    return this.brokerSilent;
  }

  /** Whether the broker was silent or away a moment ago, as far as this process has noticed. */
  get isUnsettled(): boolean {
    return this.membership.isUnsettled(this.clock.now());
  }

  /** The members that may still run what they began earlier; undefined while that is not known. */
  whoMayRun(): Set<MemberId> | undefined {
    return this.membership.whoMayRun(this.clock.now());
  }

  /** The ready workers, by host, primary and slot. */
  get members(): readonly Member[] {
    return this.membership.members;
  }

  knows(member: MemberId): boolean {
    return this.membership.infoOf(member) !== undefined;
  }

  /** Whether a message that is sent to the member now may not reach it. */
  isAway(member: MemberId): boolean {
    return this.membership.isAway(member);
  }

  served(event: string): Served {
    return this.membership.served(event);
  }

  /** The ready workers that also serve events that they do not list. */
  servingMore(): MemberId[] {
    return this.membership.servingMore();
  }

  isLed(within: number): boolean {
    return this.membership.isLed(this.clock.now(), within);
  }

  /** Sends heartbeats from now on. */
  begin(): void {
    this.sendHeartbeat();
  }

  become(state: MemberState): void {
    if (this.current === state) return;
    this.current = state;
    this.introduce();
  }

  /** Announces the served events if they have changed. @param more whether it also serves events that are not listed */
  serve(events: readonly ServedEvent[], more: boolean): void {
    if (this.servesMore === more && JSON.stringify(this.serves) === JSON.stringify(events)) return;
    this.serves = events;
    this.servesMore = more;
    this.introduce();
  }

  /** The connection is up, again or for the first time. */
  connected(): void {
    this.brokerSilent = false;
    this.membership.reconnected(this.clock.now());
    this.listener.broadcast({ type: 'discover', id: this.identity.id, release: ownVersion() });
    this.introduce();
  }

  onMessage(message: MemberMessage): void {
    const now = this.clock.now();
    switch (message.type) {
      case 'info':
        // An info of this process with a later revision than it has sent cannot be its own.
        if (message.info.id === this.identity.id && message.info.revision > this.revision) return;
        return this.onHeardFrom(message.info.id, () => this.membership.onInfo(message.info, now));
      case 'heartbeat':
        this.onHeardFrom(message.heartbeat.id, () => this.membership.onHeartbeat(message.heartbeat, now));
        if (message.heartbeat.id === this.identity.id) this.onOwnHeartbeat();
        return;
      case 'discover':
        return this.introduceTo(message.id);
      case 'disconnect':
        return this.apply(this.membership.gone(message.id, now));
    }
  }

  /** Many things change at once when an application boots: the info goes out once for all of them. */
  introduce(): void {
    if (this.introducing) return;
    this.introducing = true;
    queueMicrotask(() => {
      this.introducing = false;
      if (!this.stopped) this.introduceNow();
    });
  }

  /** Sends this member's info to one member that does not know it yet. */
  introduceTo(member: MemberId): void {
    if (member !== this.identity.id && !this.stopped) this.listener.sendInfo(member, this.ownInfo());
  }

  /** Announces that this process is gone, and stops. */
  end(): void {
    if (this.stopped) return;
    this.listener.broadcast({ type: 'disconnect', id: this.identity.id });
    this.stopped = true;
    this.timer?.cancel();
  }

  private introduceNow(): void {
    this.revision += 1;
    this.listener.broadcast({ type: 'info', info: this.ownInfo() });
  }

  private ownInfo(): MemberInfo {
    const { id, primary, worker, host, address, generation } = this.identity;
    const slot = address === 'primary' ? -1 : address;
    const { current: state, serves, servesMore, revision } = this;
    return { id, primary, worker, host, slot, generation, pid: process.pid, state, serves, servesMore, revision };
  }

  private sendHeartbeat(): void {
    const heartbeat: Heartbeat = {
      id: this.identity.id,
      revision: this.revision,
      load: this.condition.load() ?? null,
      leads: this.condition.leaderToken() ?? null,
    };
    this.listener.broadcast({ type: 'heartbeat', heartbeat, release: ownVersion() });
    this.listen(() => this.listen(() => this.sendHeartbeat()));
  }

  /** Checks for silence twice between two heartbeats. */
  private listen(next: () => void): void {
    if (this.stopped) return;
    this.lookForSilence();
    this.timer = this.clock.after(HEARTBEAT_INTERVAL / 2, next, false);
  }

  private lookForSilence(): void {
    const now = this.clock.now();
    this.apply(this.membership.check(now));
    const isSilent = this.condition.isConnected() && this.membership.silentBrokerFor(now) > BROKER_SILENT_AFTER;
    this.silentLooks = isSilent ? this.silentLooks + 1 : 0;
    // If this process itself was blocked, it reads what it missed before the second check.
    if (this.brokerSilent || this.silentLooks < 2) return;
    this.brokerSilent = true;
    this.listener.onSilence();
  }

  private onHeardFrom(member: MemberId, take: () => MembershipChange): void {
    const wasAway = this.isAway(member);
    this.apply(take());
    if (wasAway && !this.isAway(member)) this.listener.onBack(member);
  }

  private onOwnHeartbeat(): void {
    if (!this.brokerSilent) return;
    this.brokerSilent = false;
    this.listener.onHeardAgain();
  }

  private apply({ changed, lost, ask }: MembershipChange): void {
    for (const info of lost) this.listener.onLost(info);
    if (changed) this.listener.onMembers();
    if (ask !== undefined) this.ask(ask);
  }

  private ask(member: MemberId): void {
    const now = this.clock.now();
    if (now - (this.asked.get(member) ?? -Infinity) < HEARTBEAT_INTERVAL) return;
    if (this.asked.size > MAX_ASKED) this.asked.clear();
    this.asked.set(member, now);
    this.listener.askInfo(member);
  }
}
