import 'reflect-metadata';
import { InvalidArgumentError } from '../errors/index.js';
/** Where the bindings of a method are kept: on the method's function, so that subclasses inherit them with it. */
const HANDLER_BINDINGS = 'nestjs-cluster:handler-bindings';
/** The bindings of a method in the order its decorators are written, empty for an undecorated one. */
export function handlerBindings(method) {
    if (typeof method !== 'function')
        return [];
    return Reflect.getMetadata(HANDLER_BINDINGS, method) ?? [];
}
/** Adds a binding to the decorated method; `decorator` is the decorator's name, for the errors. */
export function bindHandler(decorator, binding, target, key, descriptor) {
    const where = `@${decorator}(${JSON.stringify(binding.event)}) on ${describe(target, key)}`;
    if (typeof binding.event !== 'string' || binding.event === '') {
        throw new InvalidArgumentError(`@${decorator} on ${describe(target, key)}: the event must be a non-empty string, not ${String(binding.event) || "''"}.`);
    }
    const method = descriptor?.value;
    // Nest's method scanner sees neither of the others, so they would never be called.
    if (typeof target === 'function' || typeof key === 'symbol' || typeof method !== 'function') {
        throw new InvalidArgumentError(`${where}: only an instance method with a string name can handle events.`);
    }
    const { concurrency } = binding;
    if (concurrency !== undefined && !(Number.isSafeInteger(concurrency) && concurrency > 0)) {
        throw new InvalidArgumentError(`${where}: concurrency must be a positive integer, not ${String(concurrency)}. Leave it out for no bound.`);
    }
    const bindings = handlerBindings(method);
    if (bindings.some(({ mode, event }) => mode === binding.mode && event === binding.event)) {
        throw new InvalidArgumentError(`${where}: the method has this decorator twice. Remove one.`);
    }
    // Decorators run from the bottom up: the topmost goes first.
    Reflect.defineMetadata(HANDLER_BINDINGS, [binding, ...bindings], method);
}
function describe(target, key) {
    const owner = typeof target === 'function' ? target : target.constructor;
    return `${owner.name}.${String(key)}`;
}
//# sourceMappingURL=handler-binding.js.map