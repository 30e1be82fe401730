import type { HandlerBinding } from '../decorators/handler-binding.js';
/** Reads what the decorators wrote. */
export declare class HandlerMetadataAccessor {
    /** The bindings of `prototype[method]`; empty for an accessor property, which is never read. */
    bindings(prototype: object, method: string): readonly HandlerBinding[];
}
