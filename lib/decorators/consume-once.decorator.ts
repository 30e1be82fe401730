import { InvalidArgumentError } from '../errors/errors.js';
import type { EventName } from '../events/cluster-events.js';
import { bindHandler } from './handler-binding.js';
import type { HandlerDecorator } from './on-cluster-event.decorator.js';

/** @publicApi */
export interface ConsumeOnceOptions {
  /**
   * The most tasks of the event that one worker runs at a time. Further tasks wait in the primary, in order, for the
   * first worker with room. Default: no limit.
   */
  readonly concurrency?: number;
}

/**
 * Makes the method run the tasks that `consume(event)` hands out. Each task goes to exactly one worker, the least
 * busy one, and `consume` resolves to the method's return value. Broadcasts, `map` and `send` do not call it.
 *
 * If a worker dies while it runs a task, the task is delivered again (`context.attempt` counts the runs). The
 * method should therefore tolerate running twice, unless the caller asks for `delivery: 'at-most-once'`. If several
 * methods of a worker consume the same event, the first one registered runs all of its tasks. Inheritance, repetition
 * and Nest's guards, pipes, interceptors and filters work as with `@OnClusterEvent`.
 *
 * @throws InvalidArgumentError when the class is defined, if `event` is not a non-empty string or an
 * option is invalid.
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
