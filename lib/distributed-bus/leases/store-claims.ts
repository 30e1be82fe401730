import { type Clock, hostTime, type Timer } from '../../platform/clock.js';
import type { Address, Answer, Claim, MemberId, Waiter } from '../../bus/bus.interface.js';
import type { Store, StoredRecord } from '../../bus/engine.interface.js';
import { LastingKeys } from '../../bus/calls/lasting-keys.js';
import type { Holders } from './holders.js';
import { Lease } from './lease.js';
import { Pace } from '../pace.js';
import { untilDone } from '../retry.js';
import { conclusion } from '../shapes.js';
import { type ConclusionHeader, MOST_KEPT } from '../messages.js';
import { pack, type Reader, tokenOf, type Unpacked } from '../envelope.js';
import type { WireClock } from '../wire-time.js';

/** How long an answer is kept after the last process that knows it is gone, in ms. */
export const ANSWER_KEPT = 60_000;

/**
 * Interval at which one of the processes that know an answer renews it, in ms. A process that hears a member with a
 * lower id renew answers waits longer itself. A random spread keeps apart the processes that hear no such member.
 */
const ANSWER_RENEWED = 20_000;
const ANSWER_RENEWED_SPREAD = 3_000;
const ANSWER_RENEWED_AFTER_OTHERS = 27_000;

/** Time between two steps in which answers are renewed, in ms. */
const RENEWAL_STEP = 200;

/**
 * How many times a lease is renewed in its duration, and over how many steps the renewals of many leases are spread.
 */
const RENEWALS = 4;
const LEASE_STEPS = 10;

interface Claimant {
  readonly key: string;
  readonly ttl: number;
  readonly waiter: Waiter<Claim>;
  isOver: boolean;
  /** Whether the claim was held, or may have been, at an earlier attempt. */
  hasWaited: boolean;
  look: Timer | undefined;
}

/** A claim that this process holds. */
interface Held {
  readonly lease: Lease;
  readonly token: number;
  readonly ttl: number;
}

/** An answer that this process knows. */
interface Known {
  readonly header: ConclusionHeader;
  readonly record: Uint8Array;
  /** The record's version after this process last wrote it; another process may have written it since. */
  version: number | undefined;
}

/** Claims over all hosts: a lease for the run, a record for its answer, and a message to the callers that wait. */
export class StoreClaims {
  private readonly waiting = new Set<Claimant>();
  private readonly held: Pace<Held>;
  /** The answers by their key in the store. */
  private readonly known: Pace<Known>;
  private readonly lasting: LastingKeys;
  /** Keys of answers that were renewed here, and that the other members have not been told of yet. */
  private readonly kept: string[] = [];
  private othersRenewUntil = -Infinity;
  /** Results that are being written down, by key. */
  private readonly concluding = new Map<string, Promise<void>>();
  private isClosed = false;
  private count = 0;

  constructor(
    private readonly stores: { readonly claims: Store; readonly answers: Store },
    private readonly self: { readonly address: Address; readonly id: number; readonly times: WireClock },
    /** How long a holder may give no sign of life, in ms. */
    private readonly lease: number,
    private readonly clock: Clock,
    /** Tells all members how a run ended, at most once. */
    private readonly announce: (header: ConclusionHeader, payload: Uint8Array) => void,
    /** Tells all members that answers were renewed, at most once. */
    private readonly sayKept: (answers: readonly string[]) => void,
    private readonly holders: Holders,
    private readonly reader: Reader,
    private readonly warn: (message: string) => void,
  ) {
    const renewedIn = lease / RENEWALS;
    this.held = new Pace(
      clock,
      () => renewedIn,
      renewedIn / LEASE_STEPS,
      (key, held) => this.keepHold(key, held),
    );
    const alone = ANSWER_RENEWED + Math.random() * ANSWER_RENEWED_SPREAD;
    const answersIn = () => (clock.now() < this.othersRenewUntil ? ANSWER_RENEWED_AFTER_OTHERS : alone);
    this.known = new Pace(clock, answersIn, RENEWAL_STEP, (key, known) => this.renewOrForget(key, known));
    this.lasting = new LastingKeys(warn, 'memory in every process and a renewal at the broker every 20 s');
  }

  claim(key: string, ttl: number, waiter: Waiter<Claim>): void {
    const claimant: Claimant = { key, ttl, waiter, isOver: false, hasWaited: false, look: undefined };
    this.waiting.add(claimant);
    waiter.cancel = () => this.forget(claimant);
    void this.attempt(claimant);
  }

  conclude(key: string, outcome: 'ok' | 'error', payload: Uint8Array): void {
    const held = this.held.get(key);
    if (held === undefined || this.concluding.has(key)) return;
    const work = this.finish(key, held, outcome, payload).catch((error: Error) => {
      this.held.delete(key);
      this.warn(`The result of runOnce('${key}') was not passed on: ${error.message}`);
    });
    this.concluding.set(key, work);
    void work.finally(() => this.concluding.delete(key));
  }

  /** A member says how a run ended. */
  concluded(header: ConclusionHeader, payload: Uint8Array): void {
    if (header.outcome === 'ok') this.remember(header, payload);
    for (const claimant of this.waiting) if (claimant.key === header.key) this.answer(claimant, header, payload);
  }

  /** Whether this process runs under the claim, or has run and its result is being written down. */
  holds(key: string): boolean {
    return this.held.get(key) !== undefined || this.concluding.has(key);
  }

  /** The broker is back: leases may have ended there, or been lost with its memory, while their runs went on. */
  reconnected(): void {
    for (const [key, held] of this.held.all()) this.keepHold(key, held);
    this.lookAgain();
  }

  /** A member is gone: claims that it held may be free. */
  lookAgain(): void {
    for (const claimant of this.waiting) this.attemptAfter(claimant, Math.random() * 100);
  }

  /** Resolves when the results of finished runs are written down. Leases that are still held are given back. */
  async close(refusal: () => Error): Promise<void> {
    for (const claimant of this.waiting) {
      this.forget(claimant);
      claimant.waiter.reject(refusal());
    }
    await Promise.all(this.concluding.values());
    this.isClosed = true;
    this.held.stop();
    this.known.stop();
    for (const [, { lease }] of this.held.all()) await lease.release().catch(() => undefined);
  }

  abort(): void {
    this.isClosed = true;
    this.held.stop();
    this.known.stop();
  }

  private async attempt(claimant: Claimant): Promise<void> {
    const { key } = claimant;
    const owner = `${this.self.id}-${(this.count += 1)}`;
    const lease = new Lease(this.stores.claims, tokenOf('claim', key), owner, this.lease, () => this.clock.now());
    try {
      if (await this.isAnswered(claimant)) return;
      // While this process holds the claim, its other callers do not ask the broker.
      const isHeld = this.holds(key) || (await this.isHeldElsewhere(claimant));
      const token = isHeld || claimant.isOver ? undefined : await lease.acquire();
      claimant.hasWaited ||= token === undefined;
      if (token === undefined) return this.attemptAfter(claimant, this.lease * (0.3 + Math.random() * 0.2));
      // The run may have ended after the answer was looked up and before the lease was taken.
      if (claimant.isOver || (await this.isAnswered(claimant))) return await lease.release();
      this.grant(claimant, lease, token);
    } catch {
      await lease.release().catch(() => undefined);
      // It is unknown whether the claim was held, and its lease may have ended by the next attempt: then the members
      // are asked.
      claimant.hasWaited = true;
      this.attemptAfter(claimant, this.lease * (0.3 + Math.random() * 0.2));
    }
  }

  /**
   * A caller that waits for a holder is told how its run ended. A lease that is free without such a message does not
   * prove that the run is over, so the members are asked.
   */
  private async isHeldElsewhere({ key, hasWaited }: Claimant): Promise<boolean> {
    return (hasWaited || this.holders.areUncertain) && (await this.holders.isHeld(key));
  }

  private attemptAfter(claimant: Claimant, delay: number): void {
    if (claimant.isOver || this.isClosed) return;
    claimant.look?.cancel();
    claimant.look = this.clock.after(delay, () => void this.attempt(claimant), false);
  }

  private async isAnswered(claimant: Claimant): Promise<boolean> {
    const answer = this.answerIn(await this.stores.answers.get(tokenOf('answer', claimant.key)), claimant.key);
    if (answer === undefined) return false;
    const { header, payload } = answer;
    if (!this.counts(header)) return false;
    this.remember(header, payload);
    this.answer(claimant, header, payload);
    return true;
  }

  /** The answer in a record; undefined if it cannot be read or belongs to another key. */
  private answerIn(record: StoredRecord | undefined, key: string): Unpacked<ConclusionHeader> | undefined {
    const answer = record && this.reader.read(record.value, conclusion);
    return answer?.header.key === key ? answer : undefined;
  }

  private grant(claimant: Claimant, lease: Lease, token: number): void {
    const { key, ttl, waiter } = claimant;
    this.forget(claimant);
    this.held.set(key, { lease, token, ttl });
    waiter.resolve({ granted: true, term: token });
  }

  /** A run that goes on keeps its claim: a lease that ended in an outage is taken again if it is free. */
  private keepHold(key: string, held: Held): void {
    const keep = async () => {
      if (await held.lease.renew()) return;
      await held.lease.acquire();
      // The run has ended in the meantime and given its lease back, so this one is given back, too.
      if (this.held.get(key) !== held) await held.lease.release();
    };
    // An unreachable broker is asked again; what another member took in the meantime is noticed when the run ends.
    keep().catch(() => undefined);
  }

  private async finish(key: string, held: Held, outcome: 'ok' | 'error', payload: Uint8Array): Promise<void> {
    const until = this.self.times.toWire(hostTime() + held.ttl);
    const header: ConclusionHeader = { key, outcome, slot: this.self.address, until, token: held.token };
    const isFirst = outcome === 'error' || (await this.keep(header, payload));
    if (isFirst) {
      this.concluded(header, payload);
      this.announce(header, payload);
    } else {
      this.warn(
        `A stale result of runOnce('${key}') was dropped: this process was silent for longer than ${this.lease} ms while ` +
          `it ran, and another one has run it meanwhile.`,
      );
    }
    // The claim is kept until the answer is stored: a member that took it earlier would run the function again.
    this.held.delete(key);
    await held.lease.release().catch(() => undefined);
  }

  /** Writes an answer down unless there is one that counts. */
  private async keep(header: ConclusionHeader, payload: Uint8Array): Promise<boolean> {
    const key = tokenOf('answer', header.key);
    const value = pack(header, payload);
    const isKept = await untilDone(
      this.clock,
      () => this.isClosed,
      async () => {
        const old = await this.stores.answers.get(key);
        const known = this.answerIn(old, header.key)?.header;
        if (known?.token === header.token) return true;
        if (known !== undefined && this.counts(known)) return false;
        if ((await this.stores.answers.put(key, value, old?.version)) !== undefined) return true;
        throw new Error('Another one was written at the same moment.');
      },
    );
    return isKept ?? true;
  }

  private remember(header: ConclusionHeader, payload: Uint8Array): void {
    const key = tokenOf('answer', header.key);
    if (this.known.get(key)?.header.token === header.token) return;
    this.forgetAnswer(key);
    this.known.set(key, { header, record: pack(header, payload), version: undefined });
    if (header.until === null) this.lasting.add(header.key);
  }

  private forgetAnswer(key: string): void {
    if (this.known.get(key)?.header.until === null) this.lasting.remove();
    this.known.delete(key);
  }

  /** A member has renewed these answers. */
  renewedBy(member: MemberId, answers: readonly string[]): void {
    if (member < this.self.id) this.othersRenewUntil = this.clock.now() + ANSWER_KEPT;
    for (const key of answers) this.known.done(key);
  }

  /** An answer lives as long as some process knows it, even if the broker loses its memory. */
  private renewOrForget(key: string, known: Known): void {
    if (!this.counts(known.header)) return this.forgetAnswer(key);
    this.renewAnswer(key, known).then(
      (isRenewed) => isRenewed && this.warnOfKept(key),
      // It is tried again after a period, by this process or another one.
      () => undefined,
    );
  }

  private async renewAnswer(key: string, known: Known): Promise<boolean> {
    const { answers } = this.stores;
    const { header, record } = known;
    if (known.version !== undefined) known.version = await answers.put(key, record, known.version);
    if (known.version !== undefined) return true;
    const old = await answers.get(key);
    const found = this.answerIn(old, header.key)?.header;
    if (found !== undefined && found.token !== header.token) return false;
    known.version = await answers.put(key, record, old?.version);
    return known.version !== undefined;
  }

  private warnOfKept(key: string): void {
    this.kept.push(key);
    const say = () => this.kept.length > 0 && this.sayKept(this.kept.splice(0));
    if (this.kept.length === MOST_KEPT) say();
    else if (this.kept.length === 1) this.clock.after(RENEWAL_STEP, say, false);
  }

  private answer(claimant: Claimant, { outcome, slot }: ConclusionHeader, payload: Uint8Array): void {
    if (claimant.isOver) return;
    this.forget(claimant);
    const answer: Answer = { outcome, slot, payload };
    claimant.waiter.resolve({ granted: false, answer });
  }

  private counts({ until }: ConclusionHeader): boolean {
    return !this.self.times.isPast(until);
  }

  private forget(claimant: Claimant): void {
    claimant.isOver = true;
    claimant.look?.cancel();
    this.waiting.delete(claimant);
  }
}
