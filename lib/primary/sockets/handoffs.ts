import { type Clock, type Timer, whenTrue } from '../../platform/clock.js';
import { attend, type Attend } from './attend.js';
import type { AcceptedHandle } from './bind.js';

/** How long workers have to take the last connections when the cluster stops, in ms. */
const TAKEN_TIMEOUT = 500;

/** So many connections wait for a worker at most; further ones are closed. As many as the kernel's queue of a busy server. */
const WAITING_LIMIT = 1_024;

/** So long a connection waits for a worker, in ms; then it is closed. */
const WAITING_TIMEOUT = 30_000;

/** Hands a worker a connection; returns the last heartbeat of the worker's that was answered before. */
export type HandOver = (
  worker: number,
  message: { readonly key: string; readonly seq: number; readonly head?: string },
  connection: AcceptedHandle,
) => number;

/** A connection in the primary's hand, for the server that listens on `key`. */
export interface Visitor {
  readonly key: string;
  readonly connection: AcceptedHandle;
  /** What was read from it already, in base64. */
  head?: string;
}

/** The worker that gets a visitor; nobody yet; or nobody ever, for the address was given up. */
export type Choice = number | 'later' | 'never';

interface Handed<V> {
  readonly visitor: V;
  readonly worker: number;
  /** The last heartbeat of the worker's that was answered before. */
  answered: number;
}

/**
 * Connections that the primary accepted, on their way to the workers. Each is kept until its worker says that
 * it has it: one of a worker that dies or leaves goes to another. While nobody takes any, they wait, so many and so long
 * as the limits above say.
 */
export class HandOvers<V extends Visitor> {
  private readonly handed = new Map<number, Handed<V>>();
  private readonly waiting = new Map<V, { readonly timer: Timer; readonly stop: () => void }>();
  private seq = 0;

  constructor(
    private readonly handOver: HandOver,
    private readonly choose: (visitor: V) => Choice,
    private readonly clock: Clock,
    private readonly attended: Attend = attend,
  ) {}

  offer(visitor: V): void {
    const worker = this.choose(visitor);
    if (worker === 'later') return this.keep(visitor);
    this.forget(visitor);
    if (worker === 'never') return visitor.connection.close();
    const { key, head, connection } = visitor;
    const seq = (this.seq += 1);
    const hand = { visitor, worker, answered: 0 };
    this.handed.set(seq, hand);
    hand.answered = this.handOver(worker, head === undefined ? { key, seq } : { key, seq, head }, connection);
  }

  /** A worker's word about the connection that it was handed as `seq`. */
  taken(seq: number, accepted: boolean): void {
    const hand = this.handed.get(seq);
    this.handed.delete(seq);
    if (!hand) return;
    if (accepted) hand.visitor.connection.close();
    else this.offer(hand.visitor);
  }

  /** The worker is gone, and its last word was heard. */
  gone(worker: number): void {
    this.read(worker, Infinity);
  }

  /**
   * The worker has read the answer to that heartbeat, and what it was sent before. A connection that it did not take until
   * now never arrived: it had no descriptor for it.
   */
  read(worker: number, answered: number): void {
    for (const [seq, hand] of this.handed) {
      if (hand.worker !== worker || hand.answered >= answered) continue;
      this.handed.delete(seq);
      this.offer(hand.visitor);
    }
  }

  /** Whoever waits may have somebody to go to now. */
  retry(): void {
    for (const visitor of this.waiting.keys()) this.offer(visitor);
  }

  /** Resolves when every connection was taken, after a while at the latest; whoever still waits is let go. */
  async emptied(): Promise<void> {
    await whenTrue(() => this.handed.size === 0, this.clock, TAKEN_TIMEOUT);
    for (const visitor of this.waiting.keys()) this.refuse(visitor);
  }

  private keep(visitor: V): void {
    if (this.waiting.has(visitor)) return;
    if (this.waiting.size >= WAITING_LIMIT) return visitor.connection.close();
    const timer = this.clock.after(WAITING_TIMEOUT, () => this.refuse(visitor), false);
    const stop = this.attended(visitor, () => this.refuse(visitor));
    this.waiting.set(visitor, { timer, stop });
  }

  private refuse(visitor: V): void {
    this.forget(visitor);
    visitor.connection.close();
  }

  private forget(visitor: V): void {
    const waiting = this.waiting.get(visitor);
    if (!waiting) return;
    this.waiting.delete(visitor);
    waiting.timer.cancel();
    waiting.stop();
  }
}
