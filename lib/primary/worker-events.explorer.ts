import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { stackOf } from '../errors/read-error.js';
import { ClusterLogger } from '../platform/cluster-logger.js';
import { inRootContext } from '../platform/async-context.js';
import { workerEventsOf, type WorkerEvent } from '../decorators/on-worker-event.decorator.js';

type WorkerEventHandler = (...args: unknown[]) => unknown;

/** Finds `@OnWorkerEvent` methods in the primary module and calls them. */
@Injectable()
export class WorkerEvents {
  private readonly logger = new ClusterLogger();
  private readonly handlers = new Map<WorkerEvent, { label: string; handle: WorkerEventHandler }[]>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  /** Registers the decorated methods of all providers and controllers, once for each instance. */
  explore(): void {
    const instances = new Set<object>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const instance = wrapper.instance as unknown;
      if (!wrapper.isAlias && typeof instance === 'object' && instance !== null) instances.add(instance);
    }
    for (const instance of instances) this.register(instance as Record<string, unknown>);
  }

  /**
   * Calls the handlers of `event`, each outside of every AsyncLocalStorage context: a worker may have been forked in
   * the context of a call of `scale()`. If a handler throws, the error is logged, and the other handlers are still
   * called.
   */
  emit(event: WorkerEvent, ...args: unknown[]): void {
    for (const { label, handle } of this.handlers.get(event) ?? []) {
      const call = () =>
        new Promise((resolve) => resolve(handle(...args))).catch((error: unknown) => {
          this.logger.error(`${label} failed in @OnWorkerEvent('${event}')`, stackOf(error));
        });
      void inRootContext(call);
    }
  }

  private register(instance: Record<string, unknown>): void {
    const prototype = Object.getPrototypeOf(instance) as object | null;
    if (!prototype) return;
    for (const name of this.scanner.getAllMethodNames(prototype)) {
      const method = instance[name];
      if (typeof method !== 'function') continue;
      for (const event of workerEventsOf(method)) {
        const handlers = this.handlers.get(event) ?? [];
        handlers.push({
          label: `${prototype.constructor.name}.${name}`,
          handle: (...args) => (method as WorkerEventHandler).apply(instance, args),
        });
        this.handlers.set(event, handlers);
      }
    }
  }
}
