import { type Frame } from './frame.js';
import type { Roster } from './roster.js';
import type { Seat } from './seat.js';
/**
 * What happens when a member takes less than it is sent. Over the limit the others are told and hold what is
 * meant for it; under half of it they go on. What still comes is taken up to a hard bound, so that the hub's
 * memory is bounded whatever a member does.
 */
export declare class Congestion {
    /** Bytes that may wait for one member. */
    private readonly limit;
    private readonly roster;
    /** Called when a member takes frames again. */
    private readonly onRelief;
    private readonly hardBound;
    private readonly congested;
    constructor(
    /** Bytes that may wait for one member. */
    limit: number, roster: Roster, 
    /** Called when a member takes frames again. */
    onRelief: () => void);
    /** Sends a frame unless the member's queue is over the hard bound; says whether it was sent. */
    offer(seat: Seat, frame: Frame): boolean;
    /** Sends a small frame of the hub's own, on which a call of the member depends. */
    tell(seat: Seat, frame: Frame): void;
    /** Looks at a member again: its queue grew or shrank, or it became suspect, leaves or is back. */
    check(seat: Seat): void;
    /** Tells a new member whom to wait for. */
    brief(newcomer: Seat): void;
    /** Nobody needs to wait for a member that gets no broadcast anyhow. */
    private isOver;
}
