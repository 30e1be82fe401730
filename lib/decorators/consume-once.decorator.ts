import { InvalidArgumentError } from '../errors/errors.js';
import type { EventName } from '../events/cluster-events.js';
import { bindHandler } from './handler-binding.js';
import type { HandlerDecorator } from './on-cluster-event.decorator.js';

/** @publicApi */
export interface ConsumeOnceOptions {
  /**
   * How many tasks of the event one worker runs at a time; more wait in the primary, in order, for the first worker
   * that has room. Default: no bound.
   */
  readonly concurrency?: number;
}

/**
 * The method runs the tasks that `consume(event)` gives out: each task in exactly one worker, the least
 * busy. Its return value is what `consume` resolves to. Broadcasts, `map` and `send` do not call it.
 *
 * A task is delivered again when the worker that ran it died (`context.attempt` counts), so the method
 * should bear being run twice, unless the caller asks for `delivery: 'at-most-once'`. Where several
 * methods of a worker consume the same event, the first registered runs them all. Inheritance, repetition
 * and Nest's guards, pipes, interceptors and filters are as with `@OnClusterEvent`.
 *
 * @throws InvalidArgumentError when the class is defined, if `event` is not a non-empty string or an
 * option cannot be used.
 * @publicApi
 */
export function ConsumeOnce<const E extends EventName>(
  event: E,
  options: ConsumeOnceOptions = {},
): HandlerDecorator<E> {
  return (target, method, descriptor) => {
    for (const option of Object.keys(options)) {
      if (option !== 'concurrency') {
        throw new InvalidArgumentError(
          `@ConsumeOnce on ${target.constructor.name}.${String(method)}: unknown option '${option}'. Known: concurrency.`,
        );
      }
    }
    const { concurrency } = options;
    bindHandler('ConsumeOnce', { mode: 'consume', event, concurrency }, target, method, descriptor);
  };
}
