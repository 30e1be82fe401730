var __decorate = (this && this.__decorate) || function (decorators, target, key, desc) {
    var c = arguments.length, r = c < 3 ? target : desc === null ? desc = Object.getOwnPropertyDescriptor(target, key) : desc, d;
    if (typeof Reflect === "object" && typeof Reflect.decorate === "function") r = Reflect.decorate(decorators, target, key, desc);
    else for (var i = decorators.length - 1; i >= 0; i--) if (d = decorators[i]) r = (c < 3 ? d(r) : c > 3 ? d(target, key, r) : d(target, key)) || r;
    return c > 3 && r && Object.defineProperty(target, key, r), r;
};
import { Module } from '@nestjs/common';
import { CLUSTER_OPTIONS, RUNTIME } from './cluster.constants.js';
import { optionsProviders, resolveOptionsAlone } from './gate/async-options.js';
import { ClusterCoreModule } from './gate/core.module.js';
import { asWorker, isTestRun, passGate, standalone } from './gate/gate.js';
import { LazyPromise } from './gate/lazy-promise.js';
import { validateAsyncOptions } from './options/async-options.js';
import { resolveOptions } from './options/resolve-options.js';
/**
 * Runs the application as a supervised cluster of processes. Import it once, in the root module.
 *
 * The process that is started becomes the primary: it constructs none of the application's providers,
 * forks the workers and supervises them. In each worker the application boots as ever. Under a test
 * runner, and with `enabled: false`, nothing is forked and one process is a cluster of one.
 *
 * @publicApi
 */
let ClusterModule = class ClusterModule {
    /**
     * @param options the options, or just the number of workers; none: as many as the cores this process may use
     * @returns a promise whose work begins when Nest awaits it; importing the root module starts nothing. It
     *   rejects with ClusterOptionsError for options that cannot be used, and never resolves in the primary.
     */
    static forRoot(options) {
        const check = attempt(() => resolveOptions(options));
        return new LazyPromise(async () => {
            const resolved = check();
            const worker = asWorker();
            if (worker)
                worker.verdicts = resolved;
            return definition(worker ?? (await passGate(resolved)), resolved);
        });
    }
    /**
     * As `forRoot`, with options from a factory. The primary resolves them in a throw-away application
     * context of nothing but `imports` and the factory. Under a test runner the app is always standalone.
     *
     * @returns as `forRoot`
     */
    static forRootAsync(options) {
        const check = attempt(() => validateAsyncOptions(options));
        return new LazyPromise(async () => {
            const given = check();
            const worker = asWorker();
            if (worker) {
                const adopt = (resolved) => Object.assign(worker, { verdicts: resolved });
                return definitionAsync({ provide: RUNTIME, useFactory: adopt, inject: [CLUSTER_OPTIONS] }, given);
            }
            if (isTestRun()) {
                return definitionAsync({ provide: RUNTIME, useFactory: standalone, inject: [CLUSTER_OPTIONS] }, given);
            }
            const resolved = await resolveOptionsAlone(given);
            return definition(await passGate(resolved), resolved);
        });
    }
};
ClusterModule = __decorate([
    Module({})
], ClusterModule);
export { ClusterModule };
function definition(runtime, options) {
    const core = ClusterCoreModule.register([
        { provide: RUNTIME, useValue: runtime },
        { provide: CLUSTER_OPTIONS, useValue: options },
    ]);
    return { module: ClusterModule, imports: [core] };
}
function definitionAsync(runtime, given) {
    const core = ClusterCoreModule.register([runtime, ...optionsProviders(given)], given.imports);
    return { module: ClusterModule, imports: [core] };
}
/** Runs `check` now, where the error's stack still names the caller, and hands out its outcome when asked. */
function attempt(check) {
    try {
        const value = check();
        return () => value;
    }
    catch (error) {
        return () => {
            throw error;
        };
    }
}
//# sourceMappingURL=cluster.module.js.map