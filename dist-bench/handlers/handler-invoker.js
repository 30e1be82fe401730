import 'reflect-metadata';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { isObservable, lastValueFrom } from 'rxjs';
import { boundEnhancers } from './enhancers.js';
import { eventContextCreator } from './event-context-creator.js';
/** What guards, interceptors and filters get from `ExecutionContext.getType()`. */
const CONTEXT_TYPE = 'cluster';
/** Turns a decorated method of a provider or controller into something that runs like any Nest handler. */
export class HandlerInvoker {
    contextCreator;
    config;
    modules;
    moduleRef;
    constructor(contextCreator, config, modules, moduleRef) {
        this.contextCreator = contextCreator;
        this.config = config;
        this.modules = modules;
        this.moduleRef = moduleRef;
    }
    /** The invocation of `wrapper`'s method, with all that is bound to it around it. */
    create(wrapper, name) {
        const creator = eventContextCreator(this.contextCreator, this.#moduleKey(wrapper));
        return wrapper.isDependencyTreeStatic() && !wrapper.isTransient
            ? this.#shared(creator, wrapper, name)
            : this.#perEvent(creator, wrapper, name);
    }
    #shared(creator, wrapper, name) {
        const instance = wrapper.instance;
        const method = instance[name];
        if (this.#enhancers(wrapper, instance, method).any)
            return this.#pipeline(creator, wrapper, instance, name);
        // Nothing is bound: Nest's pipeline would only add promises.
        return (data, context) => settled(method.call(instance, data, context));
    }
    /** Request-scoped and transient: a fresh instance for each event, which is its request. */
    #perEvent(creator, wrapper, name) {
        // The host module's own reference: another module may provide the same token.
        const own = wrapper.host?.providers.get(ModuleRef)?.instance;
        const moduleRef = own ?? this.moduleRef;
        const durable = wrapper.isDependencyTreeDurable();
        return async (data, context) => {
            const request = { data, context };
            const contextId = ContextIdFactory.getByRequest(request);
            // As Nest's router does: a durable provider outlives the event, so it sees the strategy's payload only.
            const seen = durable ? contextId.payload : Object.assign(request, contextId.payload);
            moduleRef.registerRequestByContextId(seen, contextId);
            const strict = own !== undefined;
            const instance = await moduleRef.resolve(wrapper.token, contextId, { strict });
            return this.#pipeline(creator, wrapper, instance, name, contextId)(data, context);
        };
    }
    #pipeline(creator, wrapper, instance, name, contextId) {
        const method = instance[name];
        // Without a filter of the app's own, Nest's last resort would log an error that is logged or returned anyway.
        const { filters } = this.#enhancers(wrapper, instance, method);
        return creator.create(instance, method, name, undefined, undefined, contextId, contextId === undefined ? undefined : wrapper.id, { guards: true, interceptors: true, filters }, CONTEXT_TYPE);
    }
    #enhancers(wrapper, instance, method) {
        return boundEnhancers(this.config, [wrapper.metatype, instance.constructor], method);
    }
    #moduleKey(wrapper) {
        for (const [key, module] of this.modules.entries())
            if (module === wrapper.host)
                return key;
        return '';
    }
}
/** The last value of an Observable, anything else as it is: what Nest makes of a handler's result. */
export function settled(result) {
    if (isObservable(result))
        return lastValueFrom(result);
    if (!(result instanceof Promise))
        return result;
    return result.then((value) => (isObservable(value) ? lastValueFrom(value) : value));
}
//# sourceMappingURL=handler-invoker.js.map