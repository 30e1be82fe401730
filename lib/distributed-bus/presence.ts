import type { Clock, Timer } from '../platform/clock.js';
import { ownVersion } from '../platform/own-version.js';
import type { Address, Member, MemberId, MemberLoad, ServedEvent } from '../bus/bus.interface.js';
import {
  BEAT_INTERVAL,
  type Beat,
  type Card,
  LOST_AFTER,
  Membership,
  type MembershipChange,
  type MemberState,
  type Served,
} from './membership.js';
import type { MemberWord } from './messages.js';

/** Beats that did not come back for so long mean that the broker is silent, in ms. */
export const DEAF_AFTER = LOST_AFTER + BEAT_INTERVAL;

/** More members than this were not asked who they are at one time. */
const MAX_ASKED = 10_000;

/** For the time of a lease, and for this one at least (ms), a member's silence is not taken for its end. */
const LEAST_SETTLING_TIME = 5_000;

/** What one process is among all. */
export interface Identity {
  readonly id: MemberId;
  /** Number of the primary that supervises it; its own in a primary. */
  readonly primary: MemberId;
  /** The supervisor's own number of the worker; 0 in a primary. */
  readonly worker: number;
  readonly address: Address;
  readonly host: string;
  readonly generation: number;
}

/** What a member says of itself beside what it is. */
export interface Condition {
  readonly isConnected: () => boolean;
  readonly load: () => MemberLoad | undefined;
  readonly leaderToken: () => number | undefined;
}

export interface PresenceListener {
  /** To everybody, at most once. */
  say(word: MemberWord): void;
  /** Asks a member who it is. */
  ask(member: MemberId): void;
  /** Says to one member what this one is. */
  show(member: MemberId, card: Card): void;
  onMembers(): void;
  onLost(card: Card): void;
  /** A member that was away was heard. */
  onBack(member: MemberId): void;
  /** The broker is connected, and yet nothing comes back. */
  onSilence(): void;
  onHeardAgain(): void;
}

/** This process among the members: says that it lives and what it is, and hears the same of the others. */
export class Presence {
  /** How long a silent member may still be there, and come back, in ms. */
  readonly settlingTime: number;
  private readonly membership: Membership;
  private current: MemberState = 'booting';
  private serves: readonly ServedEvent[] | null = null;
  private servesMore = false;
  private revision = 0;
  private introducing = false;
  private timer: Timer | undefined;
  /** When each member was asked for its card last. */
  private readonly asked = new Map<MemberId, number>();
  /** How often in a row nothing of its own had come back for too long. */
  private deafLooks = 0;
  private deaf = false;
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

  /** The broker is silent, as far as this process hears. */
  get isDeaf(): boolean {
    return this.deaf;
  }

  /** The broker was silent or away a moment ago, as far as this process has heard. */
  get isUnsettled(): boolean {
    return this.membership.isUnsettled(this.clock.now());
  }

  /** Who may run what it began earlier; undefined where that is not known just now. */
  whoMayRun(): Set<MemberId> | undefined {
    return this.membership.whoMayRun(this.clock.now());
  }

  /** The ready workers, by host, primary and slot. */
  get members(): readonly Member[] {
    return this.membership.members;
  }

  knows(member: MemberId): boolean {
    return this.membership.card(member) !== undefined;
  }

  /** Whether what is sent to the member now may not reach it. */
  isAway(member: MemberId): boolean {
    return this.membership.isAway(member);
  }

  served(event: string): Served {
    return this.membership.served(event);
  }

  /** The ready workers that serve events which they do not list. */
  servingMore(): MemberId[] {
    return this.membership.servingMore();
  }

  isLed(within: number): boolean {
    return this.membership.isLed(this.clock.now(), within);
  }

  /** Says from now on that it lives. */
  begin(): void {
    this.beat();
  }

  become(state: MemberState): void {
    if (this.current === state) return;
    this.current = state;
    this.introduce();
  }

  /** Says it where it is another list than before. @param more whether it serves others on demand */
  serve(events: readonly ServedEvent[], more: boolean): void {
    if (this.servesMore === more && JSON.stringify(this.serves) === JSON.stringify(events)) return;
    this.serves = events;
    this.servesMore = more;
    this.introduce();
  }

  /** The connection is there, again or for the first time. */
  connected(): void {
    this.deaf = false;
    this.membership.reconnected(this.clock.now());
    this.listener.say({ type: 'hello', id: this.identity.id, release: ownVersion() });
    this.introduce();
  }

  heard(word: MemberWord): void {
    const now = this.clock.now();
    switch (word.type) {
      case 'card':
        // Of itself it knows better than whoever says more of it than it has said.
        if (word.card.id === this.identity.id && word.card.revision > this.revision) return;
        return this.heardFrom(word.card.id, () => this.membership.introduced(word.card, now));
      case 'beat':
        this.heardFrom(word.beat.id, () => this.membership.beaten(word.beat, now));
        if (word.beat.id === this.identity.id) this.heardItself();
        return;
      case 'hello':
        return this.introduceTo(word.id);
      case 'gone':
        return this.apply(this.membership.gone(word.id, now));
    }
  }

  /** Many things change at once when an application boots: the card goes out once for all of them. */
  introduce(): void {
    if (this.introducing) return;
    this.introducing = true;
    queueMicrotask(() => {
      this.introducing = false;
      if (!this.stopped) this.introduceNow();
    });
  }

  /** To one member that does not know it yet. */
  introduceTo(member: MemberId): void {
    if (member !== this.identity.id && !this.stopped) this.listener.show(member, this.card());
  }

  /** It is gone, and says so. */
  end(): void {
    if (this.stopped) return;
    this.listener.say({ type: 'gone', id: this.identity.id });
    this.stopped = true;
    this.timer?.cancel();
  }

  private introduceNow(): void {
    this.revision += 1;
    this.listener.say({ type: 'card', card: this.card() });
  }

  private card(): Card {
    const { id, primary, worker, host, address, generation } = this.identity;
    const slot = address === 'primary' ? -1 : address;
    const { current: state, serves, servesMore, revision } = this;
    return { id, primary, worker, host, slot, generation, pid: process.pid, state, serves, servesMore, revision };
  }

  private beat(): void {
    const beat: Beat = {
      id: this.identity.id,
      revision: this.revision,
      load: this.condition.load() ?? null,
      leads: this.condition.leaderToken() ?? null,
    };
    this.listener.say({ type: 'beat', beat, release: ownVersion() });
    this.listen(() => this.listen(() => this.beat()));
  }

  /** Silence is looked for more often than beats are sent. */
  private listen(next: () => void): void {
    if (this.stopped) return;
    this.lookForSilence();
    this.timer = this.clock.after(BEAT_INTERVAL / 2, next, false);
  }

  private lookForSilence(): void {
    const now = this.clock.now();
    this.apply(this.membership.check(now));
    const isSilent = this.condition.isConnected() && this.membership.deafFor(now) > DEAF_AFTER;
    this.deafLooks = isSilent ? this.deafLooks + 1 : 0;
    // Where this process was blocked itself, what it missed is read before the second look.
    if (this.deaf || this.deafLooks < 2) return;
    this.deaf = true;
    this.listener.onSilence();
  }

  private heardFrom(member: MemberId, take: () => MembershipChange): void {
    const wasAway = this.isAway(member);
    this.apply(take());
    if (wasAway && !this.isAway(member)) this.listener.onBack(member);
  }

  private heardItself(): void {
    if (!this.deaf) return;
    this.deaf = false;
    this.listener.onHeardAgain();
  }

  private apply({ changed, lost, ask }: MembershipChange): void {
    for (const card of lost) this.listener.onLost(card);
    if (changed) this.listener.onMembers();
    if (ask !== undefined) this.ask(ask);
  }

  private ask(member: MemberId): void {
    const now = this.clock.now();
    if (now - (this.asked.get(member) ?? -Infinity) < BEAT_INTERVAL) return;
    if (this.asked.size > MAX_ASKED) this.asked.clear();
    this.asked.set(member, now);
    this.listener.ask(member);
  }
}
