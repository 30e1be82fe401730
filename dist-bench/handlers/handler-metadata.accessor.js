import { handlerBindings } from '../decorators/handler-binding.js';
/** Reads what the decorators wrote. */
export class HandlerMetadataAccessor {
    /** The bindings of `prototype[method]`; empty for an accessor property, which is never read. */
    bindings(prototype, method) {
        for (let owner = prototype; owner !== null; owner = Object.getPrototypeOf(owner)) {
            const descriptor = Object.getOwnPropertyDescriptor(owner, method);
            if (descriptor !== undefined)
                return handlerBindings(descriptor.value);
        }
        return [];
    }
}
//# sourceMappingURL=handler-metadata.accessor.js.map