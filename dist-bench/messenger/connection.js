import { filter, map, take } from 'rxjs';
import { NotConnectedError } from '../errors/index.js';
/**
 * The messenger's hold on the bus: calls made before it is open wait in order, calls made after it is
 * closed are refused.
 */
export class Connection {
    bus;
    registry;
    dispatcher;
    #state = 'opening';
    #reason = 'it was closed';
    #serving = false;
    #opening;
    #waiting = new Set();
    constructor(bus, registry, dispatcher) {
        this.bus = bus;
        this.registry = registry;
        this.dispatcher = dispatcher;
        dispatcher.members$.subscribe({ complete: () => this.#close(dispatcher.closed ?? this.#reason) });
        registry.onChange(() => this.#serveSoon());
    }
    get isOpen() {
        return this.#state === 'open';
    }
    /** Opens the bus and lets the waiting calls go. Refuses them if it fails. */
    open() {
        this.#opening ??= this.#open();
        return this.#opening;
    }
    async close() {
        const wasOpen = this.#state === 'open';
        this.#close(this.#reason);
        if (wasOpen)
            await this.bus.close();
    }
    /**
     * Calls `start` at once if the bus is open, else when it is, in the order of calls; whatever it takes,
     * the deadline bounds it. `start` hands its message to the bus before it waits for anything, which is
     * what keeps a sender's messages in order.
     */
    call(call, deadline, start, expired) {
        if (this.#state === 'open')
            return deadline.bound(start, expired);
        if (this.#state === 'closed')
            return Promise.reject(this.#refusal(call));
        return deadline.bound((signal) => this.#whenOpen(call, signal, start), expired);
    }
    /** Tells the bus of handlers that it was not told of yet, before a task that may be for one of them. */
    serveNow() {
        if (!this.#serving)
            return;
        this.#serving = false;
        if (this.#state === 'open')
            this.bus.serve(this.registry.consumedEvents());
    }
    /** The ready workers, one for each slot, in order of slots. */
    slots() {
        return onePerSlot(this.bus.members);
    }
    /** The newest ready worker that `wanted` accepts. */
    ready(wanted) {
        return newest(this.bus.members, wanted);
    }
    /** Resolves to the first ready worker that `wanted` accepts, now or later. */
    member(call, signal, wanted) {
        const ready = this.ready(wanted);
        if (ready !== undefined)
            return Promise.resolve(ready);
        return new Promise((resolve, reject) => {
            const found = this.dispatcher.members$.pipe(map((members) => newest(members, wanted)), filter((member) => member !== undefined), take(1));
            // It completes without a member only when the bus is gone.
            const subscription = found.subscribe({ next: resolve, complete: () => reject(this.#refusal(call)) });
            signal.cancel = () => subscription.unsubscribe();
        });
    }
    async #open() {
        try {
            await this.bus.open(this.dispatcher);
        }
        catch (error) {
            this.#close(`it could not be opened: ${error.message}`);
            throw error;
        }
        if (this.#state === 'closed') {
            await this.bus.close();
            return;
        }
        this.#state = 'open';
        this.bus.serve(this.registry.consumedEvents());
        for (const { start } of this.#waiting)
            start();
        this.#waiting.clear();
    }
    #close(reason) {
        if (this.#state === 'closed')
            return;
        this.#state = 'closed';
        this.#reason = reason;
        for (const { refuse } of this.#waiting)
            refuse();
        this.#waiting.clear();
    }
    #whenOpen(call, signal, start) {
        return new Promise((resolve, reject) => {
            const waiting = {
                start: () => {
                    signal.cancel = undefined;
                    start(signal).then(resolve, reject);
                },
                refuse: () => reject(this.#refusal(call)),
            };
            this.#waiting.add(waiting);
            signal.cancel = () => this.#waiting.delete(waiting);
        });
    }
    /** Many handlers come at once when an app boots: the bus is told once for all of them. */
    #serveSoon() {
        if (this.#serving || this.#state !== 'open')
            return;
        this.#serving = true;
        queueMicrotask(() => this.serveNow());
    }
    #refusal(call) {
        return new NotConnectedError(`${call} found no connection to the cluster: ${this.#reason}. Make calls before the app shuts down, and let ` +
            `the supervisor restart a worker that lost its primary.`);
    }
}
/** A replaced worker may still be listed beside its replacement, which has the higher number. */
function newest(members, wanted) {
    let found;
    for (const member of members) {
        if (wanted(member) && (found === undefined || found.id < member.id))
            found = member;
    }
    return found;
}
function onePerSlot(members) {
    const bySlot = new Map();
    for (const member of members) {
        const other = bySlot.get(member.slot);
        if (other === undefined || other.id < member.id)
            bySlot.set(member.slot, member);
    }
    return [...bySlot.values()].sort((a, b) => a.slot - b.slot);
}
//# sourceMappingURL=connection.js.map