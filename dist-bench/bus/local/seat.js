import { PRIMARY_ID } from '../bus.interface.js';
import { setSource, slotOf } from './frame.js';
/** A member as the hub sees it, with everything the hub remembers about it. */
export class Seat {
    id;
    address;
    generation;
    pid;
    link;
    /** `attached`: may send and gets answers. `ready`: gets everything. `leaving`: gets answers only. `gone`: nothing. */
    state = 'attached';
    suspect = false;
    /** Its queue is over the limit and the others were told. */
    congested = false;
    /** The events it runs tasks for; undefined until it said so. */
    serves;
    /** The tasks it is running. */
    running = new Set();
    /** The tasks it waits for, by its own number of the call. */
    calls = new Map();
    slotField;
    constructor(id, address, generation, pid, link) {
        this.id = id;
        this.address = address;
        this.generation = generation;
        this.pid = pid;
        this.link = link;
        this.slotField = slotOf(address);
    }
    get isPrimary() {
        return this.id === PRIMARY_ID;
    }
    /** It gets broadcasts. */
    get listens() {
        return this.state === 'ready' && !this.suspect;
    }
    /** It may be given a task now. */
    get takesTasks() {
        return this.listens && !this.congested && !this.isPrimary;
    }
    /** Marks a frame as coming from this member, whatever it wrote there itself. */
    stamp(frame) {
        setSource(frame, this.id, this.slotField);
    }
    /** How it is named in messages. */
    get name() {
        return this.isPrimary ? 'the primary' : `slot ${this.address} (member ${this.id}, pid ${this.pid})`;
    }
}
//# sourceMappingURL=seat.js.map