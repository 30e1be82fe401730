import { type Member, type MemberId, type MemberLoad, type ServedEvent, standing } from '../bus/bus.interface.js';

/** Time between two heartbeats, in ms. */
export const HEARTBEAT_INTERVAL = 500;

/** A member silent for so long, in ms, is suspect: two heartbeats are missing. */
export const SUSPECT_AFTER = 1_100;

/** A member silent for so long, in ms, is lost. */
export const LOST_AFTER = 1_600;

/** How long to remember a departed member, so that its late messages do not bring it back, in ms. */
const TOMBSTONE_KEPT = 60_000;

/** More members than this, and more tombstones, are not kept. */
export const MOST_MEMBERS = 10_000;

export type Served = 'yes' | 'maybe' | 'no' | 'unknown';

export type MemberState = 'booting' | 'ready' | 'leaving';

/** What a member says of itself whenever that changes, or somebody asks. */
export interface MemberInfo {
  readonly id: MemberId;
  /** The primary that supervises it; its own number in a primary. */
  readonly primary: MemberId;
  /** The supervisor's own number of this worker; 0: it is the primary. */
  readonly worker: number;
  readonly host: string;
  /** −1 in a primary. */
  readonly slot: number;
  readonly generation: number;
  readonly pid: number;
  readonly state: MemberState;
  /** The events it runs tasks of; null until it has said so. */
  readonly serves: readonly ServedEvent[] | null;
  /** It serves others on demand, which are not listed. */
  readonly servesMore: boolean;
  /** Counts its cards. */
  readonly revision: number;
}

/** What a member says with every heartbeat. */
export interface Heartbeat {
  readonly id: MemberId;
  readonly revision: number;
  readonly load: MemberLoad | null;
  /** The token by which it leads, where it does. */
  readonly leads: number | null;
}

/** What follows from something heard, or from silence. */
export interface MembershipChange {
  /** The set of ready workers is another, or a flag of one. */
  readonly changed: boolean;
  readonly lost: readonly MemberInfo[];
  /** A member spoke of which there is no info, or only an old one: ask for it. */
  readonly ask: MemberId | undefined;
}

interface Entry {
  info: MemberInfo;
  load: MemberLoad | null;
  leads: number | null;
  heardAt: number;
  suspect: boolean;
  /** Nothing was heard of it since this process was connected again: it may be on its way back, too. */
  isUnheard: boolean;
}

const NOTHING: MembershipChange = { changed: false, lost: [], ask: undefined };

/**
 * Who is there, by what each says of itself. Decides only; time is an argument.
 *
 * A silent member is lost, but only where this process hears its own heartbeats come back: a broker that is silent says
 * nothing about the members behind it.
 */
export class Membership {
  private readonly entries = new Map<MemberId, Entry>();
  private readonly tombstones = new Map<MemberId, number>();
  /** Members that fell silent and of which nobody said that they are gone, and when each was heard last. */
  private readonly silent = new Map<MemberId, number>();
  private listed: readonly Member[] | undefined;
  private ownHeardAt: number;
  /** When the broker came back last, as far as this process heard. */
  private settlingSince = -Infinity;
  /** Whether its own heartbeats have ever come back. */
  private wasHeard = false;
  /** Who was there when the broker went away, and has not said since that it is gone; undefined where that is not known. */
  private left: Set<MemberId> | undefined;

  constructor(
    private readonly self: MemberId,
    now: number,
    /** How long a silent member may still be there, and come back, in ms. */
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
   * How the ready workers stand to tasks of the event: some list it, none does and some serve others on demand, none does,
   * or that is not known of all yet.
   */
  served(event: string): Served {
    const ready = [...this.entries.values()].filter(isReadyWorker);
    if (ready.some(({ info }) => info.serves?.some((served) => served.event === event))) return 'yes';
    if (ready.length === 0 || ready.some(({ info }) => info.serves === null)) return 'unknown';
    return ready.some(({ info }) => info.servesMore) ? 'maybe' : 'no';
  }

  /** The ready workers that serve events which they do not list. */
  servingMore(): MemberId[] {
    return [...this.entries.values()]
      .filter((entry) => isReadyWorker(entry) && entry.info.servesMore)
      .map(({ info }) => info.id);
  }

  /** Whether a member was heard to lead within the last `within` ms. */
  isLed(now: number, within: number): boolean {
    return [...this.entries.values()].some(({ leads, heardAt }) => leads !== null && now - heardAt <= within);
  }

  /** Since when nothing of its own came back, in ms. */
  silentBrokerFor(now: number): number {
    return now - this.ownHeardAt;
  }

  /** The connection is there, again or for the first time: everybody has the time anew to be heard. */
  resumed(now: number): void {
    if (this.wasHeard || this.silentBrokerFor(now) > HEARTBEAT_INTERVAL * 2) this.settle(now);
    this.ownHeardAt = now;
    for (const entry of this.entries.values()) entry.heardAt = now;
  }

  /** As `resumed`, after an outage: what is sent to a member before it was heard may be lost. */
  reconnected(now: number): void {
    this.resumed(now);
    for (const [id, entry] of this.entries) entry.isUnheard = id !== this.self;
  }

  /** Whether what is sent to the member now may not reach it: it is silent, or was not heard yet after an outage. */
  isAway(id: MemberId): boolean {
    const entry = this.entries.get(id);
    return entry !== undefined && (entry.suspect || entry.isUnheard);
  }

  /** Whether its own heartbeats do not come back just now, or did not a moment ago. */
  isUnsettled(now: number): boolean {
    return this.silentBrokerFor(now) > HEARTBEAT_INTERVAL * 2 || now - this.settlingSince < this.settlingTime;
  }

  /**
   * Who may run what it began earlier: also who has fallen silent a short while ago, such as a host that is frozen. After
   * the broker was away that includes all that are lost, for some come back later than others; undefined where this
   * process itself came later, and cannot know.
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

  /** Its primary, or the member itself, says that it is gone. */
  gone(id: MemberId, now: number): MembershipChange {
    // It lives: whoever says so is mistaken, and to believe it would be to hear nothing any more.
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

  /** Looks who has been silent for too long. */
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
    // Silence so far was the broker's, or this process's own: everybody gets the time anew.
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
