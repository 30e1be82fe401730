import { ModulesContainer } from '@nestjs/core';
import type { HostApplication } from '../nest-application.js';

/** `HealthCheckExecutor` of @nestjs/terminus (10 to 12), by which `HealthCheckService.check()` answers 503. */
interface HealthCheckExecutor {
  isShuttingDown: boolean;
  executeHealthIndicators(...args: unknown[]): unknown;
  beforeApplicationShutdown(signal?: string): unknown;
}

/**
 * The provider that waits for Terminus' `gracefulShutdownTimeoutMs` at SIGTERM: the executor (12), or a separate
 * service (10, 11).
 */
interface ShutdownWaiter {
  readonly options: { readonly gracefulShutdownTimeoutMs: number };
  beforeApplicationShutdown(signal?: string): unknown;
}

/**
 * The Terminus health checks of this worker's applications, found by their shape: the package does not depend on
 * Terminus. Terminus reports a process as not ready from its shutdown hook on, which here runs after the last request.
 * So the hook is called when the cluster begins to stop, and the time that Terminus would wait in the hook is waited
 * before the drain.
 */
export class HealthChecks {
  /** How long they want to answer 503 before the worker is drained after a SIGTERM, in ms. */
  unreadyTime = 0;
  private readonly executors: HealthCheckExecutor[] = [];
  private stopping = false;

  /** Adds the health checks of an application that has booted. */
  add(app: HostApplication): void {
    for (const provider of shutdownHooksOf(app)) {
      if (isWaiter(provider)) this.takeWaitingFrom(provider);
      if (isExecutor(provider)) this.executors.push(provider);
    }
    if (this.stopping) this.shutDown();
  }

  /** From now on, they report that this worker is shutting down. */
  shutDown(): void {
    this.stopping = true;
    // Without a signal, the hook sets its flag and does not wait.
    for (const executor of this.executors) if (!executor.isShuttingDown) void executor.beforeApplicationShutdown();
  }

  private takeWaitingFrom(waiter: ShutdownWaiter): void {
    this.unreadyTime = Math.max(this.unreadyTime, waiter.options.gracefulShutdownTimeoutMs);
    const hook = waiter.beforeApplicationShutdown;
    waiter.beforeApplicationShutdown = () => hook.call(waiter);
  }
}

/** A provider that has the hook; nothing else is known of it. */
type HasHook = Pick<HealthCheckExecutor, 'beforeApplicationShutdown'>;

/**
 * The providers that have a shutdown hook. A provider may be a proxy that throws when a property is read that Nest
 * itself does not read, such as those of nestjs-cls outside of a request. So only the hook is read of each provider, as
 * Nest does.
 */
function* shutdownHooksOf(app: HostApplication): Iterable<HasHook> {
  for (const module of app.get<ModulesContainer>(ModulesContainer, { strict: false }).values()) {
    for (const { instance } of module.providers.values()) {
      const provider = instance as Partial<HasHook> | null | undefined;
      if (typeof provider === 'object' && typeof provider?.beforeApplicationShutdown === 'function') {
        yield provider as HasHook;
      }
    }
  }
}

function isExecutor(provider: HasHook): provider is HealthCheckExecutor {
  const executor = provider as Partial<HealthCheckExecutor>;
  return typeof executor.isShuttingDown === 'boolean' && typeof executor.executeHealthIndicators === 'function';
}

function isWaiter(provider: HasHook): provider is ShutdownWaiter {
  return Number((provider as Partial<ShutdownWaiter>).options?.gracefulShutdownTimeoutMs) > 0;
}
