import type { Congestion } from './congestion.js';
import { type Frame } from './frame.js';
import type { Roster } from './roster.js';
import type { Seat } from './seat.js';
/** Broadcasts, requests and replies: from one member straight to others, remembering nothing. */
export declare class Router {
    private readonly roster;
    private readonly congestion;
    private readonly leftOut;
    private readonly dropped;
    constructor(roster: Roster, congestion: Congestion, warn: (message: string) => void, now: () => number);
    /** Broadcasts not sent to a suspect member, ever. */
    get leftOutCount(): number;
    /** Broadcasts dropped because a member's queue was over the hard bound, ever. */
    get droppedCount(): number;
    publish(from: Seat, frame: Frame): void;
    request(from: Seat, frame: Frame): void;
    /** A reply goes to whoever asked, ready or not; if that member is gone, nobody waits for it. */
    reply(frame: Frame): void;
}
