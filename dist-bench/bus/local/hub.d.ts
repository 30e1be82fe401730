import { type Member, type MemberId } from '../bus.interface.js';
import type { Link } from './link.js';
import { type Occupant } from './seat.js';
export interface HubOptions {
    /** Bytes that may wait for one member, and of tasks that wait for a worker. */
    readonly queueLimit: number;
    /** Unix time in ms. Default: the system's clock. */
    readonly now?: () => number;
    /** Takes what an operator should know: members that do not keep up, are cut off, or break the protocol. */
    readonly warn: (message: string) => void;
}
/**
 * The middle of the star: takes the frames of every member and sends them on by their header. It never
 * looks into the payload of a message, and never waits.
 */
export declare class Hub {
    private readonly options;
    private readonly roster;
    private readonly congestion;
    private readonly router;
    private readonly tasks;
    private readonly claims;
    private closing;
    constructor(options: HubOptions);
    /** The ready workers, by slot. */
    get members(): readonly Member[];
    /** Broadcasts not sent to a member because its heartbeat was overdue, since the start. */
    get leftOut(): number;
    /** Broadcasts dropped because a member was far over its queue limit, since the start. */
    get dropped(): number;
    /**
     * Seats a worker, at fork: it may send, call and claim and gets the answers, but no broadcast, request or
     * task before `ready`. When its link closes, it is detached.
     *
     * @throws Error where `id` has a seat already
     */
    attach({ id, slot, generation, pid }: Occupant, link: Link): void;
    /** Seats the primary itself: it hears every broadcast at once, and runs no tasks. */
    attachPrimary(link: Link): void;
    /** The worker is ready: a member from now on. Does nothing where it is gone or leaving. */
    ready(id: MemberId): void;
    /** The worker's heartbeat is overdue, or is heard again. A suspect gets no broadcast and no new task. */
    suspect(id: MemberId, suspect: boolean): void;
    /**
     * The worker leaves: it is no member any more, and after the FENCE it is now sent comes no broadcast,
     * request or task. What it runs it finishes; its own calls, replies and results pass as before.
     */
    leaving(id: MemberId): void;
    /** Cuts a worker's link and forgets it; what it sent and was not yet read is lost. */
    detach(id: MemberId): void;
    /** Ends every link after what is queued has left. */
    close(): void;
    private seat;
    private route;
    private cancel;
    private serve;
    private cut;
    /** Everything the member sent was routed: now the others hear that it is gone, and take over from it. */
    private lost;
}
