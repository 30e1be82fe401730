import type { AcceptedConnection } from './accepted-connection.js';
import { type Clock, type Timer, until } from '../../platform/clock.js';
import { attend, type Attend } from './attend.js';
import type { AcceptedHandle } from './bind.js';

/** How long workers have to take the last connections when the cluster stops, in ms. */
const TAKEN_TIMEOUT = 500;

/** How many connections may wait for a worker, as in the kernel's queue of a busy server; further ones are closed. */
const WAITING_LIMIT = 1_024;

/** How long a connection may wait for a worker, in ms; then it is closed. */
const WAITING_TIMEOUT = 30_000;

/** Sends a connection to a worker; returns the last heartbeat of that worker that was answered before. */
export type SendHandoff = (
  worker: number,
  message: { readonly key: string; readonly seq: number; readonly head?: string },
  connection: AcceptedHandle,
) => number;

/** The worker that gets the connection; 'later' if there is none yet; 'never' if there will be none. */
export type Choice = number | 'later' | 'never';

interface Handed<V> {
  readonly accepted: V;
  readonly worker: number;
  /** The last heartbeat of the worker that was answered before the connection was sent. */
  answered: number;
}

/**
 * Connections on their way from the primary to the workers. Each is kept until its worker has accepted it: if the
 * worker dies or refuses it, it goes to another worker. While no worker takes connections, they wait, within the limits
 * above.
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

  /** A worker has answered whether it accepted the connection that it was sent as `seq`. */
  ack(seq: number, accepted: boolean): void {
    const hand = this.handed.get(seq);
    this.handed.delete(seq);
    if (!hand) return;
    if (accepted) hand.accepted.handle.close();
    else this.offer(hand.accepted);
  }

  /** The worker is gone, and its last message was handled. */
  gone(worker: number): void {
    this.read(worker, Infinity);
  }

  /**
   * The worker has read the answer to the heartbeat `answered`, and everything that was sent before. A connection that
   * was sent before and is not acknowledged by now never arrived, because the worker had no descriptor for it.
   */
  read(worker: number, answered: number): void {
    for (const [seq, hand] of this.handed) {
      if (hand.worker !== worker || hand.answered >= answered) continue;
      this.handed.delete(seq);
      this.offer(hand.accepted);
    }
  }

  /** Offers the waiting connections again, because a worker may take them now. */
  retry(): void {
    for (const accepted of this.waiting.keys()) this.offer(accepted);
  }

  /**
   * Resolves when every connection that was sent is acknowledged, after TAKEN_TIMEOUT at the latest. Closes the
   * connections that still wait for a worker.
   */
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
