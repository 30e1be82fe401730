import { ClusterError } from './cluster.error.js';
/** An option, environment variable or combination of them that cannot be used. @publicApi */
export declare class ClusterOptionsError extends ClusterError {
    static readonly code = "ERR_CLUSTER_OPTIONS";
    constructor(message: string, options?: ErrorOptions);
}
/** An event name, slot or other argument of a messenger call that cannot be used. @publicApi */
export declare class InvalidArgumentError extends ClusterError {
    static readonly code = "ERR_CLUSTER_INVALID_ARGUMENT";
    constructor(message: string, options?: ErrorOptions);
}
/** Nobody who could answer listens to the event. @publicApi */
export declare class NoHandlerError extends ClusterError {
    /** The event nobody handles. */
    readonly event: string;
    static readonly code = "ERR_CLUSTER_NO_HANDLER";
    constructor(
    /** The event nobody handles. */
    event: string, where: string);
}
/** A call's deadline passed before its answer came. @publicApi */
export declare class ClusterTimeoutError extends ClusterError {
    static readonly code = "ERR_CLUSTER_TIMEOUT";
    constructor(message: string, options?: ErrorOptions);
}
/** The member that was to answer is gone. @publicApi */
export declare class MemberLostError extends ClusterError {
    /** The slot of the lost member, or `'primary'`. */
    readonly slot: number | 'primary';
    static readonly code = "ERR_CLUSTER_MEMBER_LOST";
    constructor(
    /** The slot of the lost member, or `'primary'`. */
    slot: number | 'primary', message: string);
}
/** This process is not, or no longer, connected to the cluster's bus. @publicApi */
export declare class NotConnectedError extends ClusterError {
    static readonly code = "ERR_CLUSTER_NOT_CONNECTED";
    constructor(message: string, options?: ErrorOptions);
}
/** An encoded payload is larger than `messenger.maxPayload` (bytes). @publicApi */
export declare class PayloadTooLargeError extends ClusterError {
    static readonly code = "ERR_CLUSTER_PAYLOAD_TOO_LARGE";
    constructor(event: string, size: number, limit: number);
}
/** A payload holds something that cannot be cloned, such as a function. @publicApi */
export declare class PayloadNotCloneableError extends ClusterError {
    static readonly code = "ERR_CLUSTER_PAYLOAD_NOT_CLONEABLE";
    constructor(event: string, what: string, options?: ErrorOptions);
}
/** A queue towards the bus is full and the call was not queued. @publicApi */
export declare class BackpressureError extends ClusterError {
    static readonly code = "ERR_CLUSTER_BACKPRESSURE";
    constructor(message: string);
}
/** The call needs a cluster, and this process runs without one. @publicApi */
export declare class ClusterDisabledError extends ClusterError {
    static readonly code = "ERR_CLUSTER_DISABLED";
    constructor(call: string);
}
/** A rolling reload was refused or given up; the old workers go on serving. @publicApi */
export declare class ReloadError extends ClusterError {
    static readonly code = "ERR_CLUSTER_RELOAD_FAILED";
    constructor(message: string, options?: ErrorOptions);
}
/** A request to the primary, such as `scale(n)`, that it refused. @publicApi */
export declare class ClusterRequestError extends ClusterError {
    static readonly code = "ERR_CLUSTER_REQUEST_REFUSED";
    constructor(message: string, options?: ErrorOptions);
}
/** What `RemoteError` is rebuilt from: the form in which an error travels. */
export interface SerializedError {
    readonly name: string;
    readonly message: string;
    readonly code?: string | number;
    /** The error's own enumerable properties, as far as they can be cloned. */
    readonly data?: unknown;
    /** Left out where NODE_ENV is 'production'. */
    readonly stack?: string;
}
/**
 * An error thrown by a handler in another worker, rebuilt here.
 *
 * `name`, `message`, `code` and `data` are those of the original; `stack` is the original's unless the
 * handler ran with NODE_ENV=production.
 *
 * @publicApi
 */
export declare class RemoteError extends ClusterError {
    /** The slot whose handler threw, or `'primary'`. */
    readonly slot: number | 'primary';
    static readonly code = "ERR_CLUSTER_REMOTE";
    /** The original error's own enumerable properties. */
    readonly data: unknown;
    readonly code: string;
    constructor(original: SerializedError, 
    /** The slot whose handler threw, or `'primary'`. */
    slot: number | 'primary');
    static [Symbol.hasInstance](value: unknown): boolean;
}
/** Who failed in a `map`, and why. */
export interface MapFailure {
    readonly slot: number | 'primary';
    readonly error: Error;
}
/** `map` rejects with this when one or more members failed; `failures` says who, `errors` holds the errors. @publicApi */
export declare class MapError extends ClusterError {
    readonly failures: readonly MapFailure[];
    static readonly code = "ERR_CLUSTER_MAP";
    /** The failures' errors, as in AggregateError. */
    readonly errors: readonly Error[];
    constructor(event: string, failures: readonly MapFailure[], members: number);
}
