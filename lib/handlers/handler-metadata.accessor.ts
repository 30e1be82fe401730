import { type HandlerBinding, handlerBindings } from '../decorators/handler-binding.js';

/** Reads the bindings that the decorators wrote. */
export class HandlerMetadataAccessor {
  /** The bindings of `prototype[method]`; empty for an accessor property, whose getter is never called. */
  bindings(prototype: object, method: string): readonly HandlerBinding[] {
    for (let owner: object | null = prototype; owner !== null; owner = Object.getPrototypeOf(owner) as object | null) {
      const descriptor = Object.getOwnPropertyDescriptor(owner, method);
      if (descriptor !== undefined) return handlerBindings(descriptor.value);
    }
    return [];
  }
}
