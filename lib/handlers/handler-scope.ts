import type { Handler } from './handler.interface.js';
import { HandlerRegistry } from './handler-registry.js';

/**
 * The handlers of one Nest container, among those of its process: a worker may hold several containers, and what one
 * brought goes when it is closed.
 */
export class HandlerScope {
  /** The container's own: which of its handlers runs a task does not depend on the other containers. */
  readonly #own = new HandlerRegistry();

  constructor(private readonly registry: HandlerRegistry) {}

  /** The container's handler that runs the event's tasks. */
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

  /** The container is closed: none of its handlers is called any more. */
  release(): void {
    for (const [event, handler] of this.#own.allListeners()) this.removeListener(event, handler);
    for (const [event, handler] of this.#own.allConsumers()) {
      this.#own.removeConsumer(event, handler);
      this.registry.removeConsumer(event, handler);
    }
  }
}
