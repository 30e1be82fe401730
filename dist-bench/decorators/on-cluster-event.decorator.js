import { bindHandler } from './handler-binding.js';
/**
 * The method listens to `event`: it is called with `(data, context)` in every worker for each `broadcast`,
 * the sender's own included, and answers `map` and `send` where it is the worker's first listener. It
 * also runs the tasks of `consume` in a worker where no method has `@ConsumeOnce(event)`.
 *
 * For providers and controllers, with Nest's guards, pipes, interceptors and filters around it; there
 * `context.getType()` is `'cluster'` and `context.switchToRpc()` gives data and context. May be repeated
 * on one method with other events. A subclass inherits it; a method that overrides needs its own.
 *
 * What the method throws in a broadcast is logged; in `map`, `send` and `consume` it goes to the caller.
 *
 * @throws InvalidArgumentError when the class is defined, if `event` is not a non-empty string.
 * @publicApi
 */
export function OnClusterEvent(event) {
    return (target, method, descriptor) => {
        bindHandler('OnClusterEvent', { mode: 'listen', event }, target, method, descriptor);
    };
}
//# sourceMappingURL=on-cluster-event.decorator.js.map