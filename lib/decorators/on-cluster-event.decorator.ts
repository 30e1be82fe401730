import type { ClusterEventHandler, EventName } from '../events/cluster-events.js';
import { bindHandler } from './handler-binding.js';

/** A decorator of methods that can handle `E`. */
export type HandlerDecorator<E extends EventName> = <M extends ClusterEventHandler<E>>(
  target: object,
  method: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/**
 * The method listens to `event`: it is called with `(data, context)` in every worker for each `broadcast`,
 * the sender's own included, and answers `map` and `send` where it is the worker's first listener. It
 * also runs the tasks of `consume` in a worker where no method has `@ConsumeOnce(event)`.
 *
 * For providers and controllers, with the guards, pipes, interceptors and filters around it that are bound to the method
 * or its class, and with the app's global ones where the option `inheritAppConfig` says so; there `context.getType()` is
 * `'cluster'` and `context.switchToRpc()` gives data and context. May be repeated
 * on one method with other events. A subclass inherits it; a method that overrides needs its own.
 *
 * What the method throws in a broadcast is logged; in `map`, `send` and `consume` it goes to the caller.
 *
 * @throws InvalidArgumentError when the class is defined, if `event` is not a non-empty string.
 * @publicApi
 */
export function OnClusterEvent<const E extends EventName>(event: E): HandlerDecorator<E> {
  return (target, method, descriptor) => {
    bindHandler('OnClusterEvent', { mode: 'listen', event }, target, method, descriptor);
  };
}
