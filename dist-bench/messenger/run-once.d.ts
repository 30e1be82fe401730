import type { Connection } from './connection.js';
import type { ErrorEncoding } from './remote-errors.js';
/** @publicApi */
export interface RunOnceOptions {
    /** How long a result counts, in ms; after that, the next call runs the function again. Default Infinity. */
    readonly ttl?: number;
    /**
     * How long to wait for the result, in ms. Default Infinity: awaited at boot, the option `startup.timeout`
     * bounds it.
     */
    readonly timeout?: number;
}
/** Runs `fn` if nobody in the cluster has or does, else waits for what came of it there. */
export declare function runOnce(connection: Connection, errors: ErrorEncoding, key: string, fn: () => unknown, options: RunOnceOptions | undefined): Promise<unknown>;
