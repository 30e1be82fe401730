import type { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { HandlerInvoker, InstanceWrapper } from './handler-invoker.js';
import type { HandlerMetadataAccessor } from './handler-metadata.accessor.js';
import type { HandlerScope } from './handler-scope.js';
import type { Module } from './lazy-modules.js';
import { ClusterLogger } from '../platform/cluster-logger.js';

/** Finds the decorated methods of all providers and controllers of the app. */
export class HandlersExplorer {
  readonly #logger = new ClusterLogger();
  /** The instances whose methods are already registered. */
  readonly #known = new WeakSet<object>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly accessor: HandlerMetadataAccessor,
    private readonly invoker: HandlerInvoker,
    private readonly registry: Pick<HandlerScope, 'addListener' | 'addConsumer' | 'consumer'>,
    /** Whether this process runs tasks. The primary does not. */
    private readonly runsTasks: boolean,
  ) {}

  /**
   * Registers the handlers that are not registered yet. Call it when all providers of the app, or of `modules` if
   * given, are constructed.
   */
  explore(modules?: ReadonlySet<Module>): void {
    for (const [instance, wrapper] of this.#hosts(modules)) {
      if (this.#known.has(instance)) continue;
      this.#known.add(instance);
      this.#register(wrapper);
    }
  }

  /** One wrapper per instance: a factory may return an instance that a class provider created. */
  #hosts(modules: ReadonlySet<Module> | undefined): Iterable<[object, InstanceWrapper]> {
    const hosts = new Map<object, InstanceWrapper>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const instance = wrapper.instance as unknown;
      if (modules !== undefined && !(wrapper.host !== undefined && modules.has(wrapper.host))) continue;
      if (wrapper.isAlias || typeof instance !== 'object' || instance === null) continue;
      if (Object.getPrototypeOf(instance) === null) continue;
      const known = hosts.get(instance);
      // Prefer the class provider: the guards of its module are the ones that should apply.
      if (known === undefined || (known.isNotMetatype && !wrapper.isNotMetatype)) hosts.set(instance, wrapper);
    }
    return hosts;
  }

  #register(wrapper: InstanceWrapper): void {
    const prototype = Object.getPrototypeOf(wrapper.instance) as object;
    for (const name of this.scanner.getAllMethodNames(prototype)) {
      const bindings = this.accessor.bindings(prototype, name);
      if (bindings.length === 0) continue;
      const label = `${prototype.constructor.name}.${name}`;
      const invoke = this.invoker.create(wrapper, name);
      for (const { mode, event, concurrency } of bindings) {
        const handler = { label, concurrency, answers: true, invoke };
        if (mode === 'listen') this.registry.addListener(event, handler);
        else this.#consume(event, handler);
      }
    }
  }

  #consume(event: string, handler: Parameters<HandlerScope['addConsumer']>[1]): void {
    if (!this.runsTasks) {
      this.#logger.warn(
        `${handler.label} will never run here: workers run tasks, the primary does not. Provide the class of ` +
          `@ConsumeOnce('${event}') in the app's modules, not in the primary's.`,
      );
      return;
    }
    const first = this.registry.consumer(event);
    this.registry.addConsumer(event, handler);
    if (this.registry.consumer(event) === handler) return;
    this.#logger.warn(
      `${handler.label} will never run: the first method with @ConsumeOnce('${event}') is ${first?.label}. ` +
        `Remove one, or provide its class in one module only.`,
    );
  }
}
