import type { AcceptedConnection } from './accepted-connection.js';
import { type Clock, type Timer, until } from '../../platform/clock.js';
import { attend, type Attend } from './attend.js';
import type { AcceptedHandle } from './bind.js';

/** How long workers have to take the last connections when the cluster stops, in ms. */
const TAKEN_TIMEOUT = 500;

/** So many connections wait for a worker at most; further ones are closed. As many as the kernel's queue of a busy server. */
const WAITING_LIMIT = 1_024;

/** So long a connection waits for a worker, in ms; then it is closed. */
const WAITING_TIMEOUT = 30_000;

/** Hands a worker a connection; returns the last heartbeat of the worker's that was answered before. */
export type SendHandoff = (
  worker: number,
  message: { readonly key: string; readonly seq: number; readonly head?: string },
  connection: AcceptedHandle,
) => number;

/** The worker that gets the connection; nobody yet; or nobody ever, for the address was given up. */
export type Choice = number | 'later' | 'never';

interface Handed<V> {
  readonly accepted: V;
  readonly worker: number;
  /** The last heartbeat of the worker's that was answered before. */
  answered: number;
}

/**
 * Connections that the primary accepted, on their way to the workers. Each is kept until its worker says that
 * it has it: one of a worker that dies or leaves goes to another. While nobody takes any, they wait, so many and so long
 * as the limits above say.
 */
export class Handoffs<V extends AcceptedConnection> {
  private readonly handed = new Map<number, Handed<V>>();
  private readonly waiting = new Map<V, { readonly timer: Timer; readonly stop: () => void }>();
  private seq = 0;

  constructor(
    private readonly sendHandoff: SendHandoff,
    private readonly choose: (accepted: V) => Choice,
    private readonly clock: Clock,
    private readonly attended: Attend = attend,
  ) {}

  offer(accepted: V): void {
    const worker = this.choose(accepted);
    if (worker === 'later') return this.keep(accepted);
    this.forget(accepted);
    if (worker === 'never') return accepted.handle.close();
    const { key, head, handle: connection } = accepted;
    const seq = (this.seq += 1);
    const hand = { accepted, worker, answered: 0 };
    this.handed.set(seq, hand);
    hand.answered = this.sendHandoff(worker, head === undefined ? { key, seq } : { key, seq, head }, connection);
  }

  /** A worker's word about the connection that it was handed as `seq`. */
  ack(seq: number, accepted: boolean): void {
    const hand = this.handed.get(seq);
    this.handed.delete(seq);
    if (!hand) return;
    if (accepted) hand.accepted.handle.close();
    else this.offer(hand.accepted);
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
      this.offer(hand.accepted);
    }
  }

  /** Whoever waits may have somebody to go to now. */
  retry(): void {
    for (const accepted of this.waiting.keys()) this.offer(accepted);
  }

  /** Resolves when every connection was taken, after a while at the latest; whoever still waits is let go. */
  async emptied(): Promise<void> {
    await until(() => this.handed.size === 0, this.clock, TAKEN_TIMEOUT);
    for (const accepted of this.waiting.keys()) this.refuse(accepted);
  }

  private keep(accepted: V): void {
    if (this.waiting.has(accepted)) return;
    if (this.waiting.size >= WAITING_LIMIT) return accepted.handle.close();
    const timer = this.clock.after(WAITING_TIMEOUT, () => this.refuse(accepted), false);
    const stop = this.attended(accepted, () => this.refuse(accepted));
    this.waiting.set(accepted, { timer, stop });
  }

  private refuse(accepted: V): void {
    this.forget(accepted);
    accepted.handle.close();
  }

  private forget(accepted: V): void {
    const waiting = this.waiting.get(accepted);
    if (!waiting) return;
    this.waiting.delete(accepted);
    waiting.timer.cancel();
    waiting.stop();
  }
}
