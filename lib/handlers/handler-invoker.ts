import 'reflect-metadata';
import { ModuleRef, type DiscoveryService, type ExternalContextCreator, type ModulesContainer } from '@nestjs/core';
import type { ClusterEventContext } from '../events/cluster-event-context.js';
import { ClusterLogger } from '../platform/cluster-logger.js';
import { hostTime } from '../platform/clock.js';
import { ThrottledWarning } from '../platform/throttled-warning.js';
import type { Pipeline } from './app-config.js';
import { decoratedParameters } from './decorated-parameters.js';
import { boundEnhancers } from './enhancers.js';
import { eventContextCreator } from './event-context-creator.js';
import { type ClusterEventRequest, eventContextId } from './event-context-id.js';
import type { Handler } from './handler.interface.js';
import { settled } from './settled.js';

/** Nest's record of one provider or controller. */
export type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

type Invoke = Handler['invoke'];
type Method = (data: unknown, context: ClusterEventContext) => unknown;
type ContextId = ReturnType<typeof eventContextId>;

/** What `ExecutionContext.getType()` returns in guards, interceptors and filters. */
const CONTEXT_TYPE = 'cluster';

/** Turns a decorated method of a provider or controller into a function that runs like any Nest handler. */
export class HandlerInvoker {
  readonly #logger = new ClusterLogger();

  constructor(
    private readonly pipeline: Pipeline,
    private readonly modules: ModulesContainer,
    private readonly moduleRef: ModuleRef,
  ) {}

  /** Creates the function that calls `wrapper`'s method, with everything that is bound to the method around it. */
  create(wrapper: InstanceWrapper, name: string): Invoke {
    const label = `${labelOf(wrapper)}.${name}`;
    const creator = eventContextCreator(
      this.pipeline.creator,
      this.#moduleKey(wrapper),
      CONTEXT_TYPE,
      this.#filterWarning(label),
    );
    return wrapper.isDependencyTreeStatic() && !wrapper.isTransient
      ? this.#shared(creator, wrapper, name)
      : this.#perEvent(creator, wrapper, name, label);
  }

  #shared(creator: ExternalContextCreator, wrapper: InstanceWrapper, name: string): Invoke {
    const instance = wrapper.instance as Record<string, Method>;
    const method = instance[name] as Method;
    const isDecorated = decoratedParameters(instance.constructor, name, method) !== undefined;
    if (isDecorated || this.#enhancers(wrapper, instance, method).any)
      return this.#pipeline(creator, wrapper, instance, name);
    // Nothing is bound, so Nest's pipeline would only add promises.
    return (data, context) => settled(method.call(instance, data, context));
  }

  /** For request-scoped and transient providers: creates an instance for each event, with the event as its request. */
  #perEvent(creator: ExternalContextCreator, wrapper: InstanceWrapper, name: string, label: string): Invoke {
    // The host module's own reference, because another module may provide the same token.
    const own = wrapper.host?.providers.get(ModuleRef)?.instance as ModuleRef | undefined;
    const moduleRef = own ?? this.moduleRef;
    const durable = wrapper.isDependencyTreeDurable();
    return async (data, context) => {
      const request: ClusterEventRequest = { data, context };
      const contextId = eventContextId(request, label);
      // As in Nest's router: a durable provider outlives the event, so it sees only the strategy's payload.
      const seen = durable ? contextId.payload : Object.assign(request, contextId.payload);
      moduleRef.registerRequestByContextId(seen, contextId);
      const strict = own !== undefined;
      const instance = await moduleRef.resolve<Record<string, Method>>(wrapper.token as string, contextId, { strict });
      return this.#pipeline(creator, wrapper, instance, name, contextId)(data, context);
    };
  }

  #pipeline(
    creator: ExternalContextCreator,
    wrapper: InstanceWrapper,
    instance: Record<string, Method>,
    name: string,
    contextId?: ContextId,
  ): Invoke {
    const method = instance[name] as Method;
    // Without a filter of the app, Nest's default filter would log an error that is logged or returned anyway.
    const { filters } = this.#enhancers(wrapper, instance, method);
    return creator.create(
      instance,
      method as (...args: unknown[]) => unknown,
      name,
      undefined,
      undefined,
      contextId,
      contextId === undefined ? undefined : wrapper.id,
      { guards: true, interceptors: true, filters },
      CONTEXT_TYPE,
    );
  }

  #enhancers(wrapper: InstanceWrapper, instance: object, method: Method) {
    return boundEnhancers(this.pipeline.config, [wrapper.metatype, instance.constructor], method);
  }

  #filterWarning(label: string): (error: TypeError) => void {
    const warning = new ThrottledWarning(
      (message) => this.#logger.warn(message),
      hostTime,
      (count, reason) =>
        `An exception filter of ${label} failed ${count} time(s), the last with '${reason}': it answers HTTP, and an ` +
        `event has no response. The caller got the handler's own error. Let the filter throw the error again where ` +
        `host.getType() is 'cluster'.`,
    );
    return ({ message }) => warning.due(message);
  }

  #moduleKey(wrapper: InstanceWrapper): string {
    for (const [key, module] of this.modules.entries()) if (module === wrapper.host) return key;
    return '';
  }
}

function labelOf({ metatype, instance, name }: InstanceWrapper): string {
  const owner = (instance as object | undefined)?.constructor ?? metatype;
  return typeof owner === 'function' ? owner.name : String(name);
}
