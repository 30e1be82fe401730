import type { Observable } from 'rxjs';
import type { Bus, BusReceiver, Member, Publication, Request, Task } from '../bus/bus.interface.js';
import type { HandlerRegistry } from '../handlers/index.js';
/** Settings of a Dispatcher. */
export interface DispatcherOptions {
    /** Largest encoded return value or error, in bytes. */
    readonly maxPayload: number;
    /** Whether the stack of a handler's error travels to the caller. */
    readonly stacks: boolean;
}
/** Receives what the bus delivers to this process and runs the handlers for it. */
export declare class Dispatcher implements BusReceiver {
    #private;
    private readonly bus;
    private readonly registry;
    private readonly options;
    constructor(bus: Bus, registry: HandlerRegistry, options: DispatcherOptions);
    /** Handlers that run, and tasks that were accepted and wait for their turn. */
    get inFlight(): number;
    /** Resolves when nothing is in flight, at once if nothing is. */
    idle(): Promise<void>;
    /** The ready workers as last heard, then after each change; completes when the bus is gone. */
    get members$(): Observable<readonly Member[]>;
    /** Why the bus is gone, once it is. */
    get closed(): string | undefined;
    onMembers(members: readonly Member[]): void;
    onClosed(reason: string): void;
    onPublish({ event, payload, from, id }: Publication): void;
    onRequest(request: Request): void;
    onTask(task: Task): void;
}
