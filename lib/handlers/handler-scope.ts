import type { Handler } from './handler.interface.js';
import { HandlerRegistry } from './handler-registry.js';

/**
 * The handlers of one Nest container, which are part of those of its process. A worker may have several containers;
 * when one is closed, its handlers are removed.
 */
export class HandlerScope {
  /** Only this container's handlers: which of them runs a task does not depend on other containers. */
  readonly #own = new HandlerRegistry();

  constructor(private readonly registry: HandlerRegistry) {}

  /** The handler of this container that runs the event's tasks. */
  consumer(event: string): Handler | undefined {
    return this.#own.consumer(event);
  }

  addListener(event: string, handler: Handler): void {
    this.#own.addListener(event, handler);
    this.registry.addListener(event, handler);
  }

  addConsumer(event: string, handler: Handler): void {
    this.#own.addConsumer(event, handler);
    this.registry.addConsumer(event, handler);
  }

  removeListener(event: string, handler: Handler): void {
    this.#own.removeListener(event, handler);
    this.registry.removeListener(event, handler);
  }

  /** Called when the container is closed: none of its handlers is called any more. */
  release(): void {
    for (const [event, handler] of this.#own.allListeners()) this.removeListener(event, handler);
    for (const [event, handler] of this.#own.allConsumers()) {
      this.#own.removeConsumer(event, handler);
      this.registry.removeConsumer(event, handler);
    }
  }
}
