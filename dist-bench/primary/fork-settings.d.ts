import type { ClusterSettings } from 'node:cluster';
import type { ForkOptions } from '../options/cluster-options.interface.js';
/** Settings for `cluster.setupPrimary`, and where the worker finds its end of the bus. */
export interface ForkSettings {
    readonly settings: ClusterSettings;
    /** File descriptor of the bus in the worker. */
    readonly busFd: number;
}
/**
 * The user's settings of node:cluster with the bus added: an extra pipe at the end of `stdio`, private to
 * the two processes and gone with them. stderr passes through the primary, which keeps its end as the
 * worker's last words.
 */
export declare function forkSettings(fork: ForkOptions): ForkSettings;
