import { Module, type DynamicModule } from '@nestjs/common';
import { DiscoveryModule, NestFactory } from '@nestjs/core';
import { CLUSTER_OPTIONS, RUNTIME } from '../runtime/tokens.js';
import { stackOf } from '../errors/read-error.js';
import { ClusterCoreModule } from './cluster-core.module.js';
import { LostCalls } from '../messenger/lost-calls.js';
import type { ResolvedClusterOptions } from '../options/cluster-options.interface.js';
import { workerCount } from '../options/worker-count.js';
import { ClusterLogger } from '../platform/cluster-logger.js';
import { sleep, systemClock } from '../platform/clock.js';
import { markDescendantsOfPrimary } from '../platform/environment.js';
import type { HeldListeners } from '../platform/held-listeners.js';
import { ownSession } from '../platform/process-tree.js';
import { processEvents } from '../platform/process-events.js';
import { ignoreBrokenPipe } from '../platform/standard-output.js';
import { listenToSignals } from '../primary/listen-to-signals.js';
import { PrimaryOutput } from '../primary/output/primary-output.js';
import { PrimaryRuntime } from '../primary/primary-runtime.js';
import { WorkerEvents } from '../primary/worker-events.explorer.js';

/** How long the primary module's shutdown hooks and the app's signal listeners may take, in ms. */
export const CLOSE_TIMEOUT = 5_000;

/** Exit code of a primary that could not start. */
const EXIT_FAILED = 1;

/** The context with the parameter of `close` that Nest's declaration leaves out. */
interface SignalledContext {
  close(signal?: string): Promise<void>;
}

@Module({})
class ClusterPrimaryModule {}

/**
 * Makes this process the primary: boots its own small application context (the services and the user's module),
 * supervises the workers, and ends the process when the cluster has stopped. Never returns to the caller's app.
 */
export async function bootPrimary(options: ResolvedClusterOptions): Promise<never> {
  const output = new PrimaryOutput(systemClock);
  const runtime = new PrimaryRuntime(options, workerCount(options.workers), systemClock, output);
  // Before anything is awaited, because as pid 1 a process has no default signal actions.
  const listeners = listenToSignals(runtime, options);
  listenToErrors(runtime, options.messenger.engine !== undefined);
  ignoreBrokenPipe();
  markDescendantsOfPrimary(ownSession());
  const logger = new ClusterLogger();
  output.logger.choose(options.logger);
  try {
    await runtime.join();
    const context = await NestFactory.createApplicationContext(primaryModule(runtime, options), {
      abortOnError: false,
    });
    void runtime.stopped.then(async (code) => {
      await Promise.race([finish(context, runtime, listeners), sleep(systemClock, CLOSE_TIMEOUT)]);
      await runtime.flush();
      // A signal listener may have set another exit code.
      process.exit(code === 0 ? process.exitCode : code);
    });
    output.logger.settle();
    const events = context.get(WorkerEvents);
    events.explore();
    runtime.start(events);
  } catch (error) {
    logger.error('The primary module could not be started', stackOf(error));
    process.exit(EXIT_FAILED);
  }
  return new Promise<never>(() => {});
}

/**
 * Runs the shutdown hooks of the primary module, then the app's own listeners of the signal that stopped the cluster.
 */
async function finish(context: SignalledContext, runtime: PrimaryRuntime, listeners: HeldListeners): Promise<void> {
  const logger = new ClusterLogger();
  const { stopSignal: signal } = runtime;
  await context
    .close(signal)
    .catch((error: unknown) => logger.error('A shutdown hook of the primary module failed', stackOf(error)));
  if (signal === undefined) return;
  // A listener may end the process.
  await runtime.flush();
  await listeners.run(signal).catch((error: unknown) => logger.error(`A listener of ${signal} failed`, stackOf(error)));
}

function primaryModule(runtime: PrimaryRuntime, options: ResolvedClusterOptions): DynamicModule {
  const core = ClusterCoreModule.register([
    { provide: RUNTIME, useValue: runtime },
    { provide: CLUSTER_OPTIONS, useValue: options },
  ]);
  return {
    module: ClusterPrimaryModule,
    imports: [core, DiscoveryModule, ...(options.primary ? [options.primary] : [])],
    providers: [WorkerEvents],
  };
}

function listenToErrors(runtime: PrimaryRuntime, isOverBroker: boolean): void {
  const logger = new ClusterLogger();
  const lostCalls = new LostCalls(
    (message) => logger.warn(message),
    () => systemClock.now(),
  );
  processEvents.onUncaughtException((error) => primaryFailed(error));
  processEvents.onUnhandledRejection((reason) => {
    // The option onUnhandledRejection applies to workers only.
    if (!lostCalls.take({ reason, isOverBroker, isReady: true, isDecidedByUser: false })) primaryFailed(reason);
  });

  function primaryFailed(error: unknown): void {
    logger.error('Uncaught error in the primary; the cluster stops gracefully', stackOf(error));
    runtime.fail();
  }
}
