import type { ResolvedClusterOptions } from './cluster-options.interface.js';
/**
 * The options with every default filled in. Takes what `forRoot` takes: the number of workers, an object,
 * or nothing.
 *
 * @throws ClusterOptionsError that lists everything that is wrong: path, value and what is allowed.
 */
export declare function resolveOptions(input: unknown): ResolvedClusterOptions;
