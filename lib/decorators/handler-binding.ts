import 'reflect-metadata';
import { InvalidArgumentError } from '../errors/errors.js';

/** Metadata key for the bindings of a method. They are kept on the method's function, so subclasses inherit them. */
const HANDLER_BINDINGS = 'nestjs-cluster:handler-bindings';

/** What one decorator on one method says: the method handles this event in this mode. */
export interface HandlerBinding {
  /** `'listen'`: the method is a listener of the event. `'consume'`: it runs the event's tasks. */
  readonly mode: 'listen' | 'consume';
  readonly event: string;
  /** The most tasks of the event that one worker runs at once; undefined: no limit. */
  readonly concurrency?: number;
}

/** The bindings of a method, in the order in which its decorators are written; empty for an undecorated method. */
export function handlerBindings(method: unknown): readonly HandlerBinding[] {
  if (typeof method !== 'function') return [];
  return (Reflect.getMetadata(HANDLER_BINDINGS, method) as readonly HandlerBinding[] | undefined) ?? [];
}

/** Adds a binding to the decorated method. `decorator` is the decorator's name, for error messages. */
export function bindHandler(
  decorator: string,
  binding: HandlerBinding,
  target: object,
  key: string | symbol,
  descriptor: PropertyDescriptor | undefined,
): void {
  const where = `@${decorator}(${JSON.stringify(binding.event)}) on ${describe(target, key)}`;
  if (typeof binding.event !== 'string' || binding.event === '') {
    throw new InvalidArgumentError(
      `@${decorator} on ${describe(target, key)}: the event must be a non-empty string, not ${String(binding.event) || "''"}.`,
    );
  }
  const method: unknown = descriptor?.value;
  // Nest's method scanner does not see static methods, symbol names or accessors, so they would never be called.
  if (typeof target === 'function' || typeof key === 'symbol' || typeof method !== 'function') {
    throw new InvalidArgumentError(`${where}: only an instance method with a string name can handle events.`);
  }
  const { concurrency } = binding;
  if (concurrency !== undefined && !(Number.isSafeInteger(concurrency) && concurrency > 0)) {
    throw new InvalidArgumentError(
      `${where}: concurrency must be a positive integer, not ${String(concurrency)}. Leave it out for no bound.`,
    );
  }
  const bindings = handlerBindings(method);
  if (bindings.some(({ mode, event }) => mode === binding.mode && event === binding.event)) {
    throw new InvalidArgumentError(`${where}: the method has this decorator twice. Remove one.`);
  }
  // Decorators run from the bottom up, so prepending puts the topmost one first.
  Reflect.defineMetadata(HANDLER_BINDINGS, [binding, ...bindings], method);
}

function describe(target: object, key: string | symbol): string {
  const owner = typeof target === 'function' ? target : target.constructor;
  return `${owner.name}.${String(key)}`;
}
