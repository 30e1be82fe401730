import { type Clock, whenTrue } from '../../platform/clock.js';
import type { AcceptedHandle } from './bind.js';

/** How long workers have to take the last connections when the cluster stops, in ms. */
const TAKEN_TIMEOUT = 500;

/** Hands a worker a connection. */
export type HandOver = (
  worker: number,
  message: { readonly key: string; readonly seq: number; readonly head?: string },
  connection: AcceptedHandle,
) => void;

/** A connection in the primary's hand, for the server that listens on `key`. */
export interface Visitor {
  readonly key: string;
  readonly connection: AcceptedHandle;
  /** What was read from it already, in base64. */
  readonly head?: string;
}

/** The worker that gets a visitor; nobody yet; or nobody ever, for the address was given up. */
export type Choice = number | 'later' | 'never';

/**
 * Connections that the primary accepted, on their way to the workers. Each is kept until its worker says that
 * it has it: one of a worker that dies or leaves goes to another. While nobody takes any, they wait.
 */
export class HandOvers<V extends Visitor> {
  private readonly handed = new Map<number, { readonly visitor: V; readonly worker: number }>();
  private waiting: V[] = [];
  private seq = 0;

  constructor(
    private readonly handOver: HandOver,
    private readonly choose: (visitor: V) => Choice,
  ) {}

  offer(visitor: V): void {
    const worker = this.choose(visitor);
    if (worker === 'later') return void this.waiting.push(visitor);
    if (worker === 'never') return visitor.connection.close();
    const { key, head, connection } = visitor;
    const seq = (this.seq += 1);
    this.handed.set(seq, { visitor, worker });
    this.handOver(worker, head === undefined ? { key, seq } : { key, seq, head }, connection);
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
    for (const [seq, hand] of this.handed) {
      if (hand.worker !== worker) continue;
      this.handed.delete(seq);
      this.offer(hand.visitor);
    }
  }

  /** Whoever waits may have somebody to go to now. */
  retry(): void {
    for (const visitor of this.waiting.splice(0)) this.offer(visitor);
  }

  /** Resolves when every connection was taken, after a while at the latest; whoever still waits is let go. */
  async emptied(clock: Clock): Promise<void> {
    await whenTrue(() => this.handed.size === 0, clock, TAKEN_TIMEOUT);
    for (const { connection } of this.waiting.splice(0)) connection.close();
  }
}
