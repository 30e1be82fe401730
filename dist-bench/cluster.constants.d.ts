/** Injection token of this process's `Bus`. */
export declare const BUS: unique symbol;
/** Injection token of the `ResolvedClusterOptions`. */
export declare const CLUSTER_OPTIONS: unique symbol;
/** Injection token of the `ProcessRuntime`: what this process is in the cluster. */
export declare const RUNTIME: unique symbol;
/** Context of every line this package logs. */
export declare const LOG_CONTEXT = "Cluster";
