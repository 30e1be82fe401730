import type { ClusterEventHandler, EventName } from '../events/cluster-events.js';
import { bindHandler } from './handler-binding.js';

/** A method decorator for methods that can handle `E`. */
export type HandlerDecorator<E extends EventName> = <M extends ClusterEventHandler<E>>(
  target: object,
  method: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/**
 * Makes the method a listener of `event`. Every `broadcast` calls it with `(data, context)` in every worker, including
 * the sender. If it is the worker's first listener, it also answers `map` and `send`. It also runs the tasks of
 * `consume` in a worker where no method has `@ConsumeOnce(event)`.
 *
 * Works on providers and controllers. The guards, pipes, interceptors and filters bound to the method or its class
 * apply; the app's global ones apply only with the option `inheritAppConfig`. In them, `context.getType()` is
 * `'cluster'` and `context.switchToRpc()` gives data and context. A method may have several of these decorators, each
 * with another event. Subclasses inherit the decorator; a method that overrides the decorated one needs its own.
 *
 * An error that the method throws is logged for a broadcast, and goes to the caller for `map`, `send` and `consume`.
 *
 * @throws InvalidArgumentError when the class is defined, if `event` is not a non-empty string.
 * @publicApi
 */
export function OnClusterEvent<const E extends EventName>(event: E): HandlerDecorator<E> {
  return (target, method, descriptor) => {
    bindHandler('OnClusterEvent', { mode: 'listen', event }, target, method, descriptor);
  };
}
