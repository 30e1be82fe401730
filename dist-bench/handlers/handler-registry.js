const NONE = [];
/**
 * Which handlers this process has for each event, in order of registration.
 *
 * The lists are replaced, never changed, so that who walks one is not disturbed by a handler that adds
 * or removes another.
 */
export class HandlerRegistry {
    #listeners = new Map();
    #consumers = new Map();
    #watchers = new Set();
    /** All that a broadcast of `event` calls. */
    listeners(event) {
        return this.#listeners.get(event) ?? NONE;
    }
    /** The one that answers `map` and `send`: the first listener. */
    answerer(event) {
        return this.#listeners.get(event)?.find(({ answers }) => answers);
    }
    /** The one that runs tasks: the first consumer, else the first listener. */
    consumer(event) {
        return this.#consumers.get(event)?.[0] ?? this.answerer(event);
    }
    /** The events whose tasks this process can run. */
    consumedEvents() {
        const events = new Set(this.#consumers.keys());
        for (const event of this.#listeners.keys()) {
            if (this.answerer(event) !== undefined)
                events.add(event);
        }
        return [...events];
    }
    addListener(event, handler) {
        this.#add(this.#listeners, event, handler);
    }
    addConsumer(event, handler) {
        this.#add(this.#consumers, event, handler);
    }
    removeListener(event, handler) {
        const left = this.listeners(event).filter((other) => other !== handler);
        if (left.length > 0)
            this.#listeners.set(event, left);
        else
            this.#listeners.delete(event);
        this.#changed();
    }
    /** Calls `watcher` after every change, until the returned function is called. */
    onChange(watcher) {
        this.#watchers.add(watcher);
        return () => this.#watchers.delete(watcher);
    }
    #add(handlers, event, handler) {
        handlers.set(event, [...(handlers.get(event) ?? NONE), handler]);
        this.#changed();
    }
    #changed() {
        for (const watcher of this.#watchers)
            watcher();
    }
}
//# sourceMappingURL=handler-registry.js.map