import type { MemberId } from '../bus/bus.interface.js';
import { BackpressureError } from '../errors/errors.js';
import type { Link } from './wire/link.js';

/** Calls wait while this many bytes are queued in the link. */
const HIGH_WATER = 1024 * 1024;

/** Whose order a frame must keep: that of one member, of everyone (a broadcast), or of nobody (a task). */
export type Target = MemberId | 'everyone' | 'nobody';

/** A call that waits to be sent. */
export interface Waiting {
  readonly target: Target;
  readonly bytes: number;
  /** Sends the call. */
  readonly pass: () => void;
  /** Tells the caller that the call will never be sent. */
  readonly fail: (error: Error) => void;
}

/**
 * Holds calls while the link's queue is full or their receiver is congested. Calls to the same member keep their
 * order; calls to other members may overtake them.
 */
export class SendQueue {
  private readonly waiting = new Set<Waiting>();
  private waitingBytes = 0;
  private readonly congested = new Set<MemberId>();
  /** How many calls wait, by target: kept up to date because it is needed often. */
  private readonly waitingTo = new Map<Target, number>();

  constructor(
    private readonly link: Link,
    /** How many bytes may wait. */
    private readonly limit: number,
  ) {}

  /** How many calls wait. */
  get size(): number {
    return this.waiting.size;
  }

  /** Whether a frame for `target` may be sent now. */
  isClear(target: Target): boolean {
    if (this.link.queued >= HIGH_WATER) return false;
    if (this.congested.size === 0 && this.waiting.size === 0) return true;
    return !this.isHeld(target) && !this.isBehind(target, this.waitingTo);
  }

  /** Keeps a call until it may be sent. @throws BackpressureError if too many bytes are already waiting */
  wait(call: Waiting): void {
    if (this.waiting.size > 0 && this.waitingBytes + call.bytes > this.limit) throw this.overflow(call);
    this.waiting.add(call);
    this.waitingBytes += call.bytes;
    this.waitingTo.set(call.target, (this.waitingTo.get(call.target) ?? 0) + 1);
  }

  /** Removes a waiting call. */
  remove(call: Waiting): void {
    if (!this.waiting.delete(call)) return;
    this.waitingBytes -= call.bytes;
    const left = this.waitingTo.get(call.target)! - 1;
    if (left === 0) this.waitingTo.delete(call.target);
    else this.waitingTo.set(call.target, left);
  }

  /** A member's queue is full: holds the calls to it. */
  hold(member: MemberId): void {
    this.congested.add(member);
  }

  /** A member takes frames again: sends the calls to it. */
  release(member: MemberId): void {
    if (this.congested.delete(member)) this.passOn();
  }

  /** Sends the calls that may be sent now. */
  passOn(): void {
    if (this.waiting.size === 0) return;
    const passedOver = new Map<Target, number>();
    for (const call of this.waiting) {
      if (this.link.queued >= HIGH_WATER) return;
      if (this.isHeld(call.target) || this.isBehind(call.target, passedOver)) {
        passedOver.set(call.target, 1);
        continue;
      }
      this.remove(call);
      call.pass();
    }
  }

  /** A member is gone: the calls that waited for it fail. */
  lose(member: MemberId, error: () => Error): void {
    this.failAll((target) => target === member, error);
    this.release(member);
  }

  /** Nothing is sent any more: all waiting calls fail. */
  close(error: () => Error): void {
    this.failAll(() => true, error);
  }

  private failAll(which: (target: Target) => boolean, error: () => Error): void {
    for (const call of this.waiting) {
      if (!which(call.target)) continue;
      this.remove(call);
      call.fail(error());
    }
  }

  /** Whether the receiver, or one of the receivers, is congested. */
  private isHeld(target: Target): boolean {
    if (target === 'everyone') return this.congested.size > 0;
    return target !== 'nobody' && this.congested.has(target);
  }

  /** Whether an earlier call to the same receiver is still waiting. */
  private isBehind(target: Target, earlier: ReadonlyMap<Target, number>): boolean {
    if (target === 'nobody' || earlier.size === 0) return false;
    if (target === 'everyone') return earlier.size > (earlier.has('nobody') ? 1 : 0);
    return earlier.has('everyone') || earlier.has(target);
  }

  private overflow({ bytes }: Waiting): BackpressureError {
    return new BackpressureError(
      `${this.waiting.size} calls with ${this.waitingBytes} bytes wait to be sent, and ${bytes} more would be over ` +
        `the limit of ${this.limit} (messenger.queueLimit). A receiver does not keep up: await broadcast(), ` +
        `send less, or raise the limit.`,
    );
  }
}
