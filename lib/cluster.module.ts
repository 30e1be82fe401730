import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { currentBoot } from './boot/watch-boots.js';
import { CLUSTER_OPTIONS, RUNTIME } from './runtime/tokens.js';
import { optionsProviders, resolveOptionsAlone } from './boot/async-options.js';
import { ClusterCoreModule } from './boot/cluster-core.module.js';
import { workerRuntime, isStandaloneAnyway, becomePrimary, standalone } from './boot/boot.js';
import { LazyPromise } from './boot/lazy-promise.js';
import { reportCopies } from './boot/shared-copy.js';
import { validateAsyncOptions } from './options/async-options.js';
import type {
  ClusterAsyncOptions,
  ClusterOptions,
  ResolvedClusterOptions,
} from './options/cluster-options.interface.js';
import { resolveOptions } from './options/resolve-options.js';

/**
 * Runs the application as a supervised cluster of processes. Import it once, in the root module.
 *
 * The process that is started becomes the primary: it constructs none of the application's providers, forks the
 * workers and supervises them. In each worker, the application boots as usual. In tests, scripts, child processes and
 * threads, and with `enabled: false`, nothing is forked: one process is a cluster of one.
 *
 * @publicApi
 */
@Module({})
export class ClusterModule {
  /**
   * @param options the options, or only the number of workers. Default: as many workers as this process may use cores.
   * @returns a promise whose work begins when Nest awaits it; importing the root module starts nothing. It
   *   rejects with ClusterOptionsError for invalid options, and never resolves in the primary.
   */
  static forRoot(options?: ClusterOptions | number): Promise<DynamicModule> {
    const check = attempt(() => resolveOptions(options));
    const inWorker = once(definition);
    const inStandalone = once(definition);
    return new LazyPromise(async () => {
      const resolved = check();
      const worker = workerRuntime();
      if (worker) {
        await worker.adopt(resolved);
        return inWorker({ provide: RUNTIME, useValue: worker }, resolved);
      }
      reportCopies();
      await becomePrimary(resolved);
      return inStandalone(STANDALONE, resolved);
    }, currentBoot);
  }

  /**
   * Like `forRoot`, but gets the options from a factory. The primary resolves them in a temporary application
   * context that contains only `imports` and the factory.
   *
   * @returns as `forRoot`
   */
  static forRootAsync(options: ClusterAsyncOptions): Promise<DynamicModule> {
    const check = attempt(() => validateAsyncOptions(options));
    const inWorker = once(definitionAsync);
    const inStandalone = once(definitionAsync);
    return new LazyPromise(async () => {
      const given = check();
      const worker = workerRuntime();
      if (worker) {
        const adopt = async (resolved: ResolvedClusterOptions) => {
          await worker.adopt(resolved);
          return worker;
        };
        return inWorker({ provide: RUNTIME, useFactory: adopt, inject: [CLUSTER_OPTIONS] }, given);
      }
      reportCopies();
      if (!isStandaloneAnyway()) await becomePrimary(await resolveOptionsAlone(given));
      return inStandalone(STANDALONE, given);
    }, currentBoot);
  }
}

/** Each container that is built from this definition is a cluster of its own. */
const STANDALONE: Provider = { provide: RUNTIME, useFactory: standalone, inject: [CLUSTER_OPTIONS] };

function definition(runtime: Provider, options: ResolvedClusterOptions): DynamicModule {
  const core = ClusterCoreModule.register([runtime, { provide: CLUSTER_OPTIONS, useValue: options }]);
  return { module: ClusterModule, imports: [core] };
}

function definitionAsync(runtime: Provider, given: ClusterAsyncOptions): DynamicModule {
  const core = ClusterCoreModule.register([runtime, ...optionsProviders(given)], given.imports);
  return { module: ClusterModule, imports: [core] };
}

/** Calls `make` once and always returns that value: Nest identifies a dynamic module by its object. */
function once<A extends unknown[], T>(make: (...args: A) => T): (...args: A) => T {
  let made: { value: T } | undefined;
  return (...args) => (made ??= { value: make(...args) }).value;
}

/** Runs `check` now, while the error's stack still names the caller. The returned function gives its outcome. */
function attempt<T>(check: () => T): () => T {
  try {
    const value = check();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
