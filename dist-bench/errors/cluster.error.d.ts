/**
 * The base of every error this package raises on its own account.
 *
 * `code` is stable and made for programs; `message` names what was refused, its value and the remedy.
 * `instanceof` survives two copies of the package in one process: classes are matched by code.
 *
 * @publicApi
 */
export declare class ClusterError extends Error {
    /** Stable identifier of the kind of failure, e.g. `ERR_CLUSTER_TIMEOUT`. */
    readonly code: string;
    /** The codes an error of this class or of a subclass may carry; none means any. */
    static readonly code: string | undefined;
    constructor(code: string, message: string, options?: ErrorOptions);
    static [Symbol.hasInstance](this: typeof ClusterError, value: unknown): boolean;
}
