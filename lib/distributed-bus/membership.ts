import { type Member, type MemberId, type MemberLoad, type ServedEvent, standing } from '../bus/bus.interface.js';

/** Time between two heartbeats, in ms. */
export const HEARTBEAT_INTERVAL = 500;

/** A member that is silent for longer than this, in ms, is suspect: it has missed two heartbeats. */
export const SUSPECT_AFTER = 1_100;

/** A member that is silent for longer than this, in ms, is lost. */
export const LOST_AFTER = 1_600;

/** How long to remember a departed member, so that its late messages do not bring it back, in ms. */
const TOMBSTONE_KEPT = 60_000;

/** The most members that are kept, and the most tombstones. */
export const MOST_MEMBERS = 10_000;

export type Served = 'yes' | 'maybe' | 'no' | 'unknown';

export type MemberState = 'booting' | 'ready' | 'leaving';

/** What a member tells the others about itself when that changes, or when one of them asks. */
export interface MemberInfo {
  readonly id: MemberId;
  /** The id of the primary that supervises it; a primary has its own id here. */
  readonly primary: MemberId;
  /** The supervisor's number for this worker; 0 for the primary. */
  readonly worker: number;
  readonly host: string;
  /** −1 for a primary. */
  readonly slot: number;
  readonly generation: number;
  readonly pid: number;
  readonly state: MemberState;
  /** The events whose tasks it runs; null until it has named them. */
  readonly serves: readonly ServedEvent[] | null;
  /** Whether it also serves events on demand, which are not listed. */
  readonly servesMore: boolean;
  /** Goes up by one with each info that it sends to all members. */
  readonly revision: number;
}

/** What a member sends with every heartbeat. */
export interface Heartbeat {
  readonly id: MemberId;
  readonly revision: number;
  readonly load: MemberLoad | null;
  /** Its fencing token while it leads; null while it does not. */
  readonly leads: number | null;
}

/** What changes after a message, or after a silence. */
export interface MembershipChange {
  /** Whether the set of ready workers, or a flag of one of them, may have changed. */
  readonly changed: boolean;
  readonly lost: readonly MemberInfo[];
  /** A member that was heard, but whose info is missing or out of date: ask for it. */
  readonly ask: MemberId | undefined;
}

interface Entry {
  info: MemberInfo;
  load: MemberLoad | null;
  leads: number | null;
  heardAt: number;
  suspect: boolean;
  /** Whether nothing was heard of it since this process reconnected: the member may not be back at the broker yet. */
  isUnheard: boolean;
}

const NOTHING: MembershipChange = { changed: false, lost: [], ask: undefined };

/**
 * Keeps track of which members are present, by what each says of itself. It only decides, and takes the time as an
 * argument.
 *
 * A silent member counts as lost only while this process hears its own heartbeats come back: a silent broker says
 * nothing about the members behind it.
 */
export class Membership {
  private readonly entries = new Map<MemberId, Entry>();
  private readonly tombstones = new Map<MemberId, number>();
  /** Members that were lost by silence and not reported as gone, and when each was heard last. */
  private readonly silent = new Map<MemberId, number>();
  private listed: readonly Member[] | undefined;
  private ownHeardAt: number;
  /** When the broker last came back, as far as this process noticed. */
  private settlingSince = -Infinity;
  /** Whether this process's own heartbeats have ever come back. */
  private wasHeard = false;
  /**
   * Members that were present when the broker went away and were not reported as gone since; undefined if that is not
   * known.
   */
  private left: Set<MemberId> | undefined;

  constructor(
    private readonly self: MemberId,
    now: number,
    /** How long a silent member may still be alive and come back, in ms. */
    private readonly settlingTime: number,
  ) {
    this.ownHeardAt = now;
  }

  /** The ready workers, by host, primary and slot. */
  get members(): readonly Member[] {
    this.listed ??= [...this.entries.values()].filter(isReadyWorker).map(toMember).sort(inOrder);
    return this.listed;
  }

  infoOf(id: MemberId): MemberInfo | undefined {
    return this.entries.get(id)?.info;
  }

  /**
   * Whether ready workers run tasks of the event: 'yes' if one lists it, 'maybe' if none lists it but some serve
   * unlisted events on demand, 'no' if neither, and 'unknown' while no worker is ready or one has not named its events
   * yet.
   */
  served(event: string): Served {
    const ready = [...this.entries.values()].filter(isReadyWorker);
    if (ready.some(({ info }) => info.serves?.some((served) => served.event === event))) return 'yes';
    if (ready.length === 0 || ready.some(({ info }) => info.serves === null)) return 'unknown';
    return ready.some(({ info }) => info.servesMore) ? 'maybe' : 'no';
  }

  /** The ready workers that also serve events that they do not list. */
  servingMore(): MemberId[] {
    return [...this.entries.values()]
      .filter((entry) => isReadyWorker(entry) && entry.info.servesMore)
      .map(({ info }) => info.id);
  }

  /** Whether a member was heard to lead within the last `within` ms. */
  isLed(now: number, within: number): boolean {
    return [...this.entries.values()].some(({ leads, heardAt }) => leads !== null && now - heardAt <= within);
  }

  /** For how long none of this process's own heartbeats has come back, in ms. */
  silentBrokerFor(now: number): number {
    return now - this.ownHeardAt;
  }

  /** The connection is up, again or for the first time: the silence of each member is counted from now. */
  resumed(now: number): void {
    if (this.wasHeard || this.silentBrokerFor(now) > HEARTBEAT_INTERVAL * 2) this.settle(now);
    this.ownHeardAt = now;
    for (const entry of this.entries.values()) entry.heardAt = now;
  }

  /** As `resumed`, after an outage: messages to a member may be lost until it was heard. */
  reconnected(now: number): void {
    this.resumed(now);
    for (const [id, entry] of this.entries) entry.isUnheard = id !== this.self;
  }

  /**
   * Whether a message that is sent to the member now may not reach it: it is silent, or was not heard yet after an
   * outage.
   */
  isAway(id: MemberId): boolean {
    const entry = this.entries.get(id);
    return entry !== undefined && (entry.suspect || entry.isUnheard);
  }

  /** Whether this process's own heartbeats do not come back, or did not until a moment ago. */
  isUnsettled(now: number): boolean {
    return this.silentBrokerFor(now) > HEARTBEAT_INTERVAL * 2 || now - this.settlingSince < this.settlingTime;
  }

  /**
   * The members that may still run what they began earlier. That includes members that fell silent a short while ago,
   * such as those of a frozen host. After an outage of the broker it includes all lost members, because some come back
   * later than others. Undefined if this process itself came later and cannot know.
   */
  whoMayRun(now: number): Set<MemberId> | undefined {
    const present = [...this.entries.keys(), ...this.silent.keys()];
    if (!this.isUnsettled(now)) return new Set(present);
    return this.left && new Set([...this.left, ...present]);
  }

  onInfo(info: MemberInfo, now: number): MembershipChange {
    if (this.hasTombstone(info.id, now)) return NOTHING;
    this.heardFrom(info.id, now);
    const entry = this.entries.get(info.id);
    if (entry === undefined) {
      if (this.entries.size >= MOST_MEMBERS) return NOTHING;
      this.silent.delete(info.id);
      this.entries.set(info.id, { info, load: null, leads: null, heardAt: now, suspect: false, isUnheard: false });
      return this.change(true);
    }
    const isNews = info.revision > entry.info.revision;
    if (isNews) entry.info = info;
    return this.change(this.renew(entry, now) || isNews);
  }

  onHeartbeat({ id, revision, load, leads }: Heartbeat, now: number): MembershipChange {
    if (this.hasTombstone(id, now)) return NOTHING;
    this.heardFrom(id, now);
    const entry = this.entries.get(id);
    if (entry === undefined) return { ...NOTHING, ask: id };
    entry.load = load;
    entry.leads = leads;
    const change = this.change(this.renew(entry, now));
    this.listed = undefined;
    return entry.info.revision < revision ? { ...change, ask: id } : change;
  }

  /** The member itself, or its primary, says that it is gone. */
  gone(id: MemberId, now: number): MembershipChange {
    // This process is alive, so the message is wrong. A tombstone would make it ignore its own heartbeats.
    if (id === this.self) return NOTHING;
    const [oldest] = this.tombstones.keys();
    if (this.tombstones.size >= MOST_MEMBERS && oldest !== undefined) this.tombstones.delete(oldest);
    this.tombstones.set(id, now + TOMBSTONE_KEPT);
    this.left?.delete(id);
    this.silent.delete(id);
    const entry = this.entries.get(id);
    if (entry === undefined) return NOTHING;
    this.entries.delete(id);
    return this.change(true, [entry.info]);
  }

  /** Finds the members that have been silent for too long. */
  check(now: number): MembershipChange {
    for (const [id, until] of this.tombstones) if (until <= now) this.tombstones.delete(id);
    for (const [id, heardAt] of this.silent) if (now - heardAt >= this.settlingTime) this.silent.delete(id);
    if (this.silentBrokerFor(now) > HEARTBEAT_INTERVAL * 2) return NOTHING;
    const lost: MemberInfo[] = [];
    let changed = false;
    for (const [id, entry] of this.entries) {
      const silence = now - entry.heardAt;
      if (id === this.self) continue;
      if (silence > LOST_AFTER) {
        this.entries.delete(id);
        this.silent.set(id, entry.heardAt);
        lost.push(entry.info);
      } else if (silence > SUSPECT_AFTER && !entry.suspect) {
        entry.suspect = true;
        changed = true;
      }
    }
    return this.change(changed || lost.length > 0, lost);
  }

  private heardFrom(id: MemberId, now: number): void {
    if (id !== this.self) return;
    // The broker was silent, or this process was blocked: the silence of each member is counted from now.
    if (this.silentBrokerFor(now) > HEARTBEAT_INTERVAL * 2) this.resumed(now);
    this.ownHeardAt = now;
    this.wasHeard = true;
  }

  private settle(now: number): void {
    const isSettled = now - this.settlingSince >= this.settlingTime;
    if (!this.wasHeard) this.left = undefined;
    else if (isSettled) this.left = new Set(this.entries.keys());
    else for (const id of this.entries.keys()) this.left?.add(id);
    this.settlingSince = now;
  }

  private renew(entry: Entry, now: number): boolean {
    entry.heardAt = now;
    entry.isUnheard = false;
    const wasSuspect = entry.suspect;
    entry.suspect = false;
    return wasSuspect;
  }

  private hasTombstone(id: MemberId, now: number): boolean {
    return (this.tombstones.get(id) ?? -Infinity) > now;
  }

  private change(changed: boolean, lost: readonly MemberInfo[] = []): MembershipChange {
    if (changed) this.listed = undefined;
    return { changed, lost, ask: undefined };
  }
}

function isReadyWorker({ info }: Entry): boolean {
  return info.worker !== 0 && info.state === 'ready';
}

function toMember({ info, load, suspect }: Entry): Member {
  const { id, host, primary, slot, generation, pid } = info;
  return { id, host, primary, slot, generation, pid, ...standing(suspect), ...(load === null ? {} : { load }) };
}

function inOrder(a: Member, b: Member): number {
  if (a.host !== b.host) return a.host! < b.host! ? -1 : 1;
  return a.primary! - b.primary! || a.slot - b.slot || a.id - b.id;
}
