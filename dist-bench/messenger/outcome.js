import { decode } from '../bus/codec.js';
import { ClusterTimeoutError, MemberLostError, NoHandlerError } from '../errors/index.js';
import { decodeError } from './remote-errors.js';
/**
 * The handler's return value out of an answer.
 *
 * @throws RemoteError with the handler's error, NoHandlerError, ClusterTimeoutError or MemberLostError.
 */
export function valueOf(answer, call, where) {
    switch (answer.outcome) {
        case 'ok':
            return decode(answer.payload);
        case 'error':
            throw decodeError(answer.payload, answer.slot);
        case 'no-handler':
            throw new NoHandlerError(call.event, where);
        case 'expired':
            throw timedOut(call, 'the deadline passed before the handler was started');
        case 'lost':
            throw new MemberLostError(answer.slot, `${call.label}: each worker that ran the task died, the last in slot ${answer.slot}, and its redeliveries are ` +
                `used up. See the primary's log for why they died; the option redeliveries allows more.`);
    }
}
/** A ClusterTimeoutError that says what was waited for, and what to do. */
export function timedOut(call, what) {
    return new ClusterTimeoutError(`${call.label} timed out after ${call.timeout} ms: ${what}. Give the call a longer timeout (ms), or make its ` +
        `handler faster.`);
}
/** The same, for a call that waited in vain for a worker that is ready. */
export function noWorkerReady(call, what = 'no worker became ready') {
    return new ClusterTimeoutError(`${call.label} timed out after ${call.timeout} ms: ${what}. A worker is ready once its app has ` +
        `finished bootstrapping, so awaiting this call inside onModuleInit or onApplicationBootstrap cannot work: ` +
        `do not await it there, or make it later.`);
}
//# sourceMappingURL=outcome.js.map