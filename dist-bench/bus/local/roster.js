import { Kind, newFrame } from './frame.js';
/** Who is there: every seat, and the views of them that the hub routes by. */
export class Roster {
    seats = new Map();
    /** The ready workers, by slot. */
    members = [];
    /** Those that get a broadcast. */
    listeners = [];
    /** Ready workers that get no broadcast because they are suspect. */
    suspects = [];
    /** Ready workers, suspect or not. */
    workers = [];
    get(id) {
        return this.seats.get(id);
    }
    all() {
        return this.seats.values();
    }
    add(seat) {
        if (this.seats.has(seat.id))
            throw new Error(`Bus member ${seat.id} is attached already.`);
        this.seats.set(seat.id, seat);
        this.refresh();
        seat.link.send(newFrame(Kind.MEMBERS, '', '', encodeMembers(this.members)));
    }
    remove(seat) {
        this.seats.delete(seat.id);
    }
    /** A seat's state changed: renews the views, and tells everybody where the membership is another. */
    changed() {
        const before = encodeMembers(this.members);
        this.refresh();
        const after = encodeMembers(this.members);
        if (before.equals(after))
            return;
        const frame = newFrame(Kind.MEMBERS, '', '', after);
        for (const seat of this.seats.values())
            seat.link.send(frame);
    }
    refresh() {
        const seats = [...this.seats.values()];
        this.listeners = seats.filter((seat) => seat.listens);
        this.workers = seats.filter((seat) => seat.state === 'ready' && !seat.isPrimary);
        this.suspects = this.workers.filter((seat) => seat.suspect);
        this.members = this.workers.map(toMember).sort((a, b) => a.slot - b.slot || a.id - b.id);
    }
}
function toMember({ id, address, generation, pid, suspect }) {
    return { id, slot: address, generation, pid, suspect };
}
const encodeMembers = (members) => Buffer.from(JSON.stringify(members));
/** The members in a MEMBERS frame's payload. */
export const decodeMembers = (payload) => JSON.parse(payload.toString());
//# sourceMappingURL=roster.js.map