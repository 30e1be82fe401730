/** Injection token of this process's `Bus`. */
export const BUS = Symbol('nestjs-cluster:bus');

/** Injection token of the `ResolvedClusterOptions`. */
export const CLUSTER_OPTIONS = Symbol('nestjs-cluster:options');

/** Injection token of the `ProcessRuntime`: what this process is in the cluster. */
export const RUNTIME = Symbol('nestjs-cluster:runtime');
