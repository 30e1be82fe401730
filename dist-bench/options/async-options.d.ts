import type { ClusterAsyncOptions } from './cluster-options.interface.js';
/**
 * What `forRootAsync` was given, checked: exactly one way to get the options, and nothing unknown.
 *
 * @throws ClusterOptionsError that lists everything that is wrong.
 */
export declare function validateAsyncOptions(input: unknown): ClusterAsyncOptions;
