import { type DynamicModule } from '@nestjs/common';
import type { ClusterAsyncOptions, ClusterOptions } from './options/cluster-options.interface.js';
/**
 * Runs the application as a supervised cluster of processes. Import it once, in the root module.
 *
 * The process that is started becomes the primary: it constructs none of the application's providers,
 * forks the workers and supervises them. In each worker the application boots as ever. Under a test
 * runner, and with `enabled: false`, nothing is forked and one process is a cluster of one.
 *
 * @publicApi
 */
export declare class ClusterModule {
    /**
     * @param options the options, or just the number of workers; none: as many as the cores this process may use
     * @returns a promise whose work begins when Nest awaits it; importing the root module starts nothing. It
     *   rejects with ClusterOptionsError for options that cannot be used, and never resolves in the primary.
     */
    static forRoot(options?: ClusterOptions | number): Promise<DynamicModule>;
    /**
     * As `forRoot`, with options from a factory. The primary resolves them in a throw-away application
     * context of nothing but `imports` and the factory. Under a test runner the app is always standalone.
     *
     * @returns as `forRoot`
     */
    static forRootAsync(options: ClusterAsyncOptions): Promise<DynamicModule>;
}
