import { type Provider } from '@nestjs/common';
import type { ClusterAsyncOptions, ResolvedClusterOptions } from '../options/cluster-options.interface.js';
/** Providers that make `CLUSTER_OPTIONS` of what `forRootAsync` was given. */
export declare function optionsProviders(given: ClusterAsyncOptions): Provider[];
/** Resolves the options in a throw-away context of nothing but their imports and their factory. */
export declare function resolveOptionsAlone(given: ClusterAsyncOptions): Promise<ResolvedClusterOptions>;
