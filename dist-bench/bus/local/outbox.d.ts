import type { MemberId } from '../bus.interface.js';
import type { Link } from './link.js';
/** What a frame must keep its order with: one member's frames, everybody's (a broadcast), or nobody's (a task). */
export type Target = MemberId | 'everyone' | 'nobody';
/** A call that waits to be sent. */
export interface Waiting {
    readonly target: Target;
    readonly bytes: number;
    /** Sends it. */
    readonly pass: () => void;
    /** Tells its caller that it never will be. */
    readonly fail: (error: Error) => void;
}
/**
 * Where calls wait while the way out is full or their receiver is congested. Whatever goes to one member
 * keeps its order; calls to other members pass by.
 */
export declare class Outbox {
    private readonly link;
    /** Bytes that may wait. */
    private readonly limit;
    private readonly waiting;
    private waitingBytes;
    private readonly congested;
    /** What waits, by target, to be asked about often. */
    private readonly waitingTo;
    constructor(link: Link, 
    /** Bytes that may wait. */
    limit: number);
    /** Whether a frame for `target` may be sent now. */
    isClear(target: Target): boolean;
    /** Keeps a call until it may be sent. @throws BackpressureError where too much waits already */
    wait(call: Waiting): void;
    /** Forgets a call that waits. */
    remove(call: Waiting): void;
    /** A member's queue is full. */
    hold(member: MemberId): void;
    /** A member takes frames again. */
    release(member: MemberId): void;
    /** Sends what may be sent now. */
    passOn(): void;
    /** A member is gone: what waited for it fails. */
    lose(member: MemberId, error: () => Error): void;
    /** Nothing is sent any more. */
    close(error: () => Error): void;
    private failAll;
    /** The receiver, or one of them, is congested. */
    private isHeld;
    /** Something sent earlier to the same receiver still waits. */
    private isBehind;
    private overflow;
}
