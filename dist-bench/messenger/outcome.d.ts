import type { Answer } from '../bus/bus.interface.js';
import { ClusterTimeoutError } from '../errors/index.js';
/** What a call is, for answers and messages. */
export interface CallInfo {
    /** As a user wrote it, e.g. `consume('image.resize')`. */
    readonly label: string;
    readonly event: string;
    /** In ms. */
    readonly timeout: number;
}
/**
 * The handler's return value out of an answer.
 *
 * @throws RemoteError with the handler's error, NoHandlerError, ClusterTimeoutError or MemberLostError.
 */
export declare function valueOf(answer: Answer, call: CallInfo, where: string): unknown;
/** A ClusterTimeoutError that says what was waited for, and what to do. */
export declare function timedOut(call: CallInfo, what: string): ClusterTimeoutError;
/** The same, for a call that waited in vain for a worker that is ready. */
export declare function noWorkerReady(call: CallInfo, what?: string): ClusterTimeoutError;
