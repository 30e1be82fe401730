import type { Address } from '../bus/bus.interface.js';
import { RemoteError } from '../errors/index.js';
/** How errors are put on the wire. */
export interface ErrorEncoding {
    /** Largest payload in bytes. */
    readonly limit: number;
    /** Whether stacks travel; not in production, where they would tell paths to whoever sees an answer. */
    readonly stacks: boolean;
}
/** What a handler threw, encoded; whatever it is, something can be sent. */
export declare function encodeError(event: string, thrown: unknown, { limit, stacks }: ErrorEncoding): Uint8Array;
/** The error that `encodeError` encoded, as the caller gets it. */
export declare function decodeError(payload: Uint8Array, slot: Address): RemoteError;
