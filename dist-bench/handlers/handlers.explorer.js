import { Logger } from '@nestjs/common';
import { LOG_CONTEXT } from '../cluster.constants.js';
/** Finds the decorated methods of all providers and controllers of the app. */
export class HandlersExplorer {
    discovery;
    scanner;
    accessor;
    invoker;
    registry;
    #logger = new Logger(LOG_CONTEXT);
    constructor(discovery, scanner, accessor, invoker, registry) {
        this.discovery = discovery;
        this.scanner = scanner;
        this.accessor = accessor;
        this.invoker = invoker;
        this.registry = registry;
    }
    /** Registers them. Call it once, when all providers are constructed (`onModuleInit`). */
    explore() {
        for (const wrapper of this.#hosts())
            this.#register(wrapper);
    }
    /** One wrapper for each instance: a factory may hand out an instance that a class provider made. */
    #hosts() {
        const hosts = new Map();
        for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
            const instance = wrapper.instance;
            if (wrapper.isAlias || typeof instance !== 'object' || instance === null)
                continue;
            if (Object.getPrototypeOf(instance) === null)
                continue;
            const known = hosts.get(instance);
            // The class provider's module is the one whose guards are meant.
            if (known === undefined || (known.isNotMetatype && !wrapper.isNotMetatype))
                hosts.set(instance, wrapper);
        }
        return hosts.values();
    }
    #register(wrapper) {
        const prototype = Object.getPrototypeOf(wrapper.instance);
        for (const name of this.scanner.getAllMethodNames(prototype)) {
            const bindings = this.accessor.bindings(prototype, name);
            if (bindings.length === 0)
                continue;
            const label = `${prototype.constructor.name}.${name}`;
            const invoke = this.invoker.create(wrapper, name);
            for (const { mode, event, concurrency } of bindings) {
                const handler = { label, concurrency, answers: true, invoke };
                if (mode === 'listen')
                    this.registry.addListener(event, handler);
                else
                    this.#consume(event, handler);
            }
        }
    }
    #consume(event, handler) {
        const first = this.registry.consumer(event);
        this.registry.addConsumer(event, handler);
        if (this.registry.consumer(event) === handler)
            return;
        this.#logger.warn(`${handler.label} will never run: the first method with @ConsumeOnce('${event}') is ${first?.label}. ` +
            `Remove one, or provide its class in one module only.`);
    }
}
//# sourceMappingURL=handlers.explorer.js.map