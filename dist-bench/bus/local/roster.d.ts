import type { Member, MemberId } from '../bus.interface.js';
import type { Seat } from './seat.js';
/** Who is there: every seat, and the views of them that the hub routes by. */
export declare class Roster {
    private readonly seats;
    /** The ready workers, by slot. */
    members: readonly Member[];
    /** Those that get a broadcast. */
    listeners: readonly Seat[];
    /** Ready workers that get no broadcast because they are suspect. */
    suspects: readonly Seat[];
    /** Ready workers, suspect or not. */
    workers: readonly Seat[];
    get(id: MemberId): Seat | undefined;
    all(): Iterable<Seat>;
    add(seat: Seat): void;
    remove(seat: Seat): void;
    /** A seat's state changed: renews the views, and tells everybody where the membership is another. */
    changed(): void;
    private refresh;
}
/** The members in a MEMBERS frame's payload. */
export declare const decodeMembers: (payload: Buffer) => readonly Member[];
