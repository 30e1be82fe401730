import type { FlowControl } from './flow-control.js';
import {
  copyOf,
  deadlineOf,
  type Frame,
  idOf,
  keyOf,
  Kind,
  newHubFrame,
  outcomeOf,
  setId,
  setKind,
  setTerm,
  termOf,
} from '../wire/frame.js';
import { LastingKeys } from '../../bus/calls/lasting-keys.js';
import type { HubMember } from './hub-member.js';

/** At this number of keys, expired answers are removed. */
const SWEEP_AT = 1024;

/** The approximate cost of a claimant besides its key, in bytes. */
const CLAIMANT_OVERHEAD = 512;

/** A member that asked for the claim. */
interface Claimant {
  readonly member: HubMember;
  /** The member's own number for the call. */
  readonly call: number;
  /** How long an 'ok' answer of its run is kept, in ms. */
  readonly ttl: number;
}

/** The state of a key: a member holds the claim, or its answer is kept. */
class Claim {
  holder: Claimant | undefined;
  readonly waiting: Claimant[] = [];
  /** The term of the holder; no two holders have the same. */
  term = 0;
  answer: { readonly frame: Frame; readonly until: number } | undefined;
}

/** Claims: each key has one holder at a time, all claimants get its answer, and another one takes over if it dies. */
export class HubClaims {
  private readonly claims = new Map<string, Claim>();
  private sweepAt = SWEEP_AT;
  /** How many claimants hold a claim or wait for one. */
  private claimants = 0;
  /** Counts the holders of all keys, so that a later holder of any key has the higher term. */
  private lastTerm = 0;
  private readonly lasting: LastingKeys;

  constructor(
    /** How many bytes claimants may take. */
    private readonly limit: number,
    private readonly flowControl: FlowControl,
    private readonly warn: (message: string) => void,
    private readonly now: () => number,
  ) {
    this.lasting = new LastingKeys(warn, 'memory in the primary');
  }

  claim(from: HubMember, frame: Frame): void {
    const key = keyOf(frame);
    const claimant: Claimant = { member: from, call: idOf(frame), ttl: deadlineOf(frame) };
    const claim = this.claims.get(key);
    if (claim?.answer !== undefined && !this.isExpired(claim)) return this.answer(claimant, claim.answer.frame);
    if ((this.claimants + 1) * CLAIMANT_OVERHEAD > this.limit) return this.flowControl.overflow(from, claimant.call);
    this.claimants++;
    if (claim?.holder !== undefined) claim.waiting.push(claimant);
    else this.grant(this.renewed(key), claimant);
  }

  /** The holder reports how its run ended. */
  conclude(from: HubMember, frame: Frame): void {
    const key = keyOf(frame);
    const claim = this.claims.get(key);
    if (claim?.holder?.member !== from || claim.term !== termOf(frame)) {
      this.warn(
        `${from.name} concluded the claim on '${key}' in term ${termOf(frame)}, which it does not hold; ignored.`,
      );
      return;
    }
    const answer = copyOf(frame);
    setKind(answer, Kind.OUTCOME);
    if (outcomeOf(frame) === 'ok') {
      claim.answer = { frame: answer, until: this.now() + claim.holder.ttl };
      if (claim.holder.ttl === Infinity) this.lasting.add(key);
    } else this.claims.delete(key);
    claim.holder = undefined;
    this.claimants -= 1 + claim.waiting.length;
    for (const claimant of claim.waiting.splice(0)) this.answer(claimant, answer);
  }

  /** A claimant stops waiting. If the claim was just granted to it, the next claimant gets it. */
  cancel(from: HubMember, frame: Frame): void {
    const key = keyOf(frame);
    const call = idOf(frame);
    const claim = this.claims.get(key);
    if (claim === undefined) return;
    const isCaller = (claimant: Claimant | undefined) => claimant?.member === from && claimant.call === call;
    const at = claim.waiting.findIndex(isCaller);
    if (at >= 0) this.claimants -= claim.waiting.splice(at, 1).length;
    else if (isCaller(claim.holder)) this.passOn(key, claim);
  }

  lost(member: HubMember): void {
    for (const [key, claim] of this.claims) {
      const others = claim.waiting.filter((claimant) => claimant.member !== member);
      this.claimants -= claim.waiting.length - others.length;
      claim.waiting.splice(0, claim.waiting.length, ...others);
      if (claim.holder?.member === member) this.passOn(key, claim);
    }
  }

  private renewed(key: string): Claim {
    const claim = new Claim();
    this.claims.delete(key);
    this.claims.set(key, claim);
    this.sweep();
    return claim;
  }

  private grant(claim: Claim, claimant: Claimant): void {
    claim.holder = claimant;
    const frame = newHubFrame(Kind.GRANT, claimant.call);
    claim.term = this.lastTerm += 1;
    setTerm(frame, claim.term);
    this.flowControl.sendOwn(claimant.member, frame);
  }

  private passOn(key: string, claim: Claim): void {
    claim.holder = undefined;
    this.claimants--;
    const next = claim.waiting.shift();
    if (next === undefined) this.claims.delete(key);
    else this.grant(claim, next);
  }

  private answer({ member, call }: Claimant, answer: Frame): void {
    const frame = copyOf(answer);
    setId(frame, call);
    if (!this.flowControl.offer(member, frame)) this.flowControl.overflow(member, call);
  }

  private isExpired({ answer }: Claim): boolean {
    return answer !== undefined && answer.until <= this.now();
  }

  private sweep(): void {
    if (this.claims.size < this.sweepAt) return;
    for (const [key, claim] of this.claims) {
      if (this.isExpired(claim)) this.claims.delete(key);
    }
    this.sweepAt = Math.max(SWEEP_AT, this.claims.size * 2);
  }
}
