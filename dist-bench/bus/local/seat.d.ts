import { type Address, type Member, type MemberId } from '../bus.interface.js';
import { type Frame } from './frame.js';
import type { Link } from './link.js';
import type { QueuedTask } from './queued-task.js';
/** Who takes a seat at the hub: a worker's process. */
export type Occupant = Pick<Member, 'id' | 'slot' | 'generation' | 'pid'>;
/** A member as the hub sees it, with everything the hub remembers about it. */
export declare class Seat {
    readonly id: MemberId;
    readonly address: Address;
    readonly generation: number;
    readonly pid: number;
    readonly link: Link;
    /** `attached`: may send and gets answers. `ready`: gets everything. `leaving`: gets answers only. `gone`: nothing. */
    state: 'attached' | 'ready' | 'leaving' | 'gone';
    suspect: boolean;
    /** Its queue is over the limit and the others were told. */
    congested: boolean;
    /** The events it runs tasks for; undefined until it said so. */
    serves: Set<string> | undefined;
    /** The tasks it is running. */
    readonly running: Set<QueuedTask>;
    /** The tasks it waits for, by its own number of the call. */
    readonly calls: Map<number, QueuedTask>;
    private readonly slotField;
    constructor(id: MemberId, address: Address, generation: number, pid: number, link: Link);
    get isPrimary(): boolean;
    /** It gets broadcasts. */
    get listens(): boolean;
    /** It may be given a task now. */
    get takesTasks(): boolean;
    /** Marks a frame as coming from this member, whatever it wrote there itself. */
    stamp(frame: Frame): void;
    /** How it is named in messages. */
    get name(): string;
}
