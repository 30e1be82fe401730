import 'reflect-metadata';
import { InvalidArgumentError } from '../errors/errors.js';

/** Where the bindings of a method are kept: on the method's function, so that subclasses inherit them with it. */
const HANDLER_BINDINGS = 'nestjs-cluster:handler-bindings';

/** One decorator on one method: this method handles that event, in this way. */
export interface HandlerBinding {
  /** `'listen'`: one of the event's listeners. `'consume'`: runs tasks of the event. */
  readonly mode: 'listen' | 'consume';
  readonly event: string;
  /** How many tasks of the event may run at once in one worker; undefined: any number. */
  readonly concurrency?: number;
}

/** The bindings of a method in the order its decorators are written, empty for an undecorated one. */
export function handlerBindings(method: unknown): readonly HandlerBinding[] {
  if (typeof method !== 'function') return [];
  return (Reflect.getMetadata(HANDLER_BINDINGS, method) as readonly HandlerBinding[] | undefined) ?? [];
}

/** Adds a binding to the decorated method; `decorator` is the decorator's name, for the errors. */
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
  // Nest's method scanner sees neither of the others, so they would never be called.
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
  // Decorators run from the bottom up: the topmost goes first.
  Reflect.defineMetadata(HANDLER_BINDINGS, [binding, ...bindings], method);
}

function describe(target: object, key: string | symbol): string {
  const owner = typeof target === 'function' ? target : target.constructor;
  return `${owner.name}.${String(key)}`;
}
