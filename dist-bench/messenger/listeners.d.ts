import { Observable } from 'rxjs';
import type { HandlerRegistry } from '../handlers/index.js';
import type { ClusterEventContext } from './cluster-event-context.js';
type Listener = (data: any, context: ClusterEventContext) => unknown;
/** Handlers added by call: the imperative twins of `@OnClusterEvent`. */
export declare class Listeners {
    #private;
    private readonly registry;
    constructor(registry: HandlerRegistry);
    add(method: 'on' | 'once', event: string, listener: Listener): () => void;
    /** Removes the listener; the one added last where it was added more than once. */
    remove(event: string, listener: Listener): void;
    /** Broadcasts of the event, while subscribed. */
    watch(event: string): Observable<{
        data: unknown;
        context: ClusterEventContext;
    }>;
}
export {};
