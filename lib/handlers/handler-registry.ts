import type { ServedEvent } from '../bus/bus.interface.js';
import type { Handler } from './handler.interface.js';

const NONE: readonly Handler[] = [];

/**
 * The handlers of this process for each event, in order of registration.
 *
 * A list is never changed but replaced, so that code which iterates over one is not disturbed by a handler that adds
 * or removes another.
 */
export class HandlerRegistry {
  readonly #listeners = new Map<string, readonly Handler[]>();
  readonly #consumers = new Map<string, readonly Handler[]>();
  readonly #watchers = new Set<() => void>();

  /** All handlers that a broadcast of `event` calls. */
  listeners(event: string): readonly Handler[] {
    return this.#listeners.get(event) ?? NONE;
  }

  /** The handler that answers `map` and `send`: the first listener. */
  answerer(event: string): Handler | undefined {
    return this.#listeners.get(event)?.find(({ answers }) => answers);
  }

  /** The handler that runs tasks: the first consumer, otherwise the first listener. */
  consumer(event: string): Handler | undefined {
    return this.#consumers.get(event)?.[0] ?? this.answerer(event);
  }

  /** The events whose tasks this process can run. */
  consumedEvents(): ServedEvent[] {
    const events = new Set([...this.#consumers.keys(), ...this.#listeners.keys()]);
    return [...events].flatMap((event) => {
      const handler = this.consumer(event);
      if (handler === undefined) return [];
      const isLasting = this.#consumers.has(event) || this.listeners(event).some(isAnswererByDecorator);
      return [{ event, concurrency: handler.concurrency, ...(isLasting ? {} : { onDemand: true }) }];
    });
  }

  allListeners(): [event: string, handler: Handler][] {
    return flatten(this.#listeners);
  }

  allConsumers(): [event: string, handler: Handler][] {
    return flatten(this.#consumers);
  }

  addListener(event: string, handler: Handler): void {
    this.#add(this.#listeners, event, handler);
  }

  addConsumer(event: string, handler: Handler): void {
    this.#add(this.#consumers, event, handler);
  }

  removeListener(event: string, handler: Handler): void {
    this.#remove(this.#listeners, event, handler);
  }

  removeConsumer(event: string, handler: Handler): void {
    this.#remove(this.#consumers, event, handler);
  }

  /** Calls `watcher` after every change, until the returned function is called. */
  onChange(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #add(handlers: Map<string, readonly Handler[]>, event: string, handler: Handler): void {
    handlers.set(event, [...(handlers.get(event) ?? NONE), handler]);
    this.#changed();
  }

  #remove(handlers: Map<string, readonly Handler[]>, event: string, handler: Handler): void {
    const left = (handlers.get(event) ?? NONE).filter((other) => other !== handler);
    if (left.length > 0) handlers.set(event, left);
    else handlers.delete(event);
    this.#changed();
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

const isAnswererByDecorator = ({ answers, isByCall }: Handler): boolean => answers && isByCall !== true;

function flatten(byEvent: ReadonlyMap<string, readonly Handler[]>): [event: string, handler: Handler][] {
  return [...byEvent].flatMap(([event, handlers]) => handlers.map((handler): [string, Handler] => [event, handler]));
}
