import type { ResolvedClusterOptions } from '../options/cluster-options.interface.js';
/**
 * Makes this process the primary: boots its own small application context (the services, and the user's
 * module), supervises, and ends the process when the cluster has stopped. Never returns to the caller's app.
 */
export declare function bootPrimary(options: ResolvedClusterOptions): Promise<never>;
