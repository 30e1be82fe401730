import type { Bus, Member } from '../bus/bus.interface.js';
import type { HandlerRegistry } from '../handlers/index.js';
import type { CallSignal, Deadline } from './deadline.js';
import type { Dispatcher } from './dispatcher.js';
/**
 * The messenger's hold on the bus: calls made before it is open wait in order, calls made after it is
 * closed are refused.
 */
export declare class Connection {
    #private;
    readonly bus: Bus;
    private readonly registry;
    private readonly dispatcher;
    constructor(bus: Bus, registry: HandlerRegistry, dispatcher: Dispatcher);
    get isOpen(): boolean;
    /** Opens the bus and lets the waiting calls go. Refuses them if it fails. */
    open(): Promise<void>;
    close(): Promise<void>;
    /**
     * Calls `start` at once if the bus is open, else when it is, in the order of calls; whatever it takes,
     * the deadline bounds it. `start` hands its message to the bus before it waits for anything, which is
     * what keeps a sender's messages in order.
     */
    call<T>(call: string, deadline: Deadline, start: (signal: CallSignal) => Promise<T>, expired: () => Error): Promise<T>;
    /** Tells the bus of handlers that it was not told of yet, before a task that may be for one of them. */
    serveNow(): void;
    /** The ready workers, one for each slot, in order of slots. */
    slots(): readonly Member[];
    /** The newest ready worker that `wanted` accepts. */
    ready(wanted: (member: Member) => boolean): Member | undefined;
    /** Resolves to the first ready worker that `wanted` accepts, now or later. */
    member(call: string, signal: CallSignal, wanted: (member: Member) => boolean): Promise<Member>;
}
