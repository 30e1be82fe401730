import type { Handler } from './handler.interface.js';
/**
 * Which handlers this process has for each event, in order of registration.
 *
 * The lists are replaced, never changed, so that who walks one is not disturbed by a handler that adds
 * or removes another.
 */
export declare class HandlerRegistry {
    #private;
    /** All that a broadcast of `event` calls. */
    listeners(event: string): readonly Handler[];
    /** The one that answers `map` and `send`: the first listener. */
    answerer(event: string): Handler | undefined;
    /** The one that runs tasks: the first consumer, else the first listener. */
    consumer(event: string): Handler | undefined;
    /** The events whose tasks this process can run. */
    consumedEvents(): string[];
    addListener(event: string, handler: Handler): void;
    addConsumer(event: string, handler: Handler): void;
    removeListener(event: string, handler: Handler): void;
    /** Calls `watcher` after every change, until the returned function is called. */
    onChange(watcher: () => void): () => void;
}
