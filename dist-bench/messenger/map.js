import { Observable } from 'rxjs';
import { MapError, NoHandlerError } from '../errors/index.js';
import { noWorkerReady, valueOf } from './outcome.js';
import { SlotRequest } from './slot-request.js';
const WORKERS = 'any ready worker';
/** A question to every worker. Who is asked is fixed when it is sent. */
export class MapCall {
    connection;
    call;
    payload;
    deadline;
    constructor(connection, call, payload, deadline) {
        this.connection = connection;
        this.call = call;
        this.payload = payload;
        this.deadline = deadline;
    }
    /** Every worker's outcome, in order of slots. Rejects only where nobody could be asked. */
    async settled(each) {
        const { connection, call, deadline } = this;
        const asked = await connection.call(call.label, deadline, async (signal) => {
            if (connection.slots().length === 0)
                await connection.member(call.label, signal, () => true);
            return signal.cancelled ? [] : this.#askAll(each);
        }, () => noWorkerReady(call));
        return Promise.all(asked);
    }
    /** Every worker's value, in order of slots. */
    async values() {
        const outcomes = await this.settled();
        const failure = this.#failure(outcomes);
        if (failure !== undefined)
            throw failure;
        return outcomes.map((outcome) => outcome.value);
    }
    /** The values as they come; an error once all are in, if one failed. */
    stream() {
        return new Observable((subscriber) => {
            const each = (outcome) => {
                if (outcome.status === 'fulfilled')
                    subscriber.next({ slot: outcome.slot, value: outcome.value });
            };
            this.settled(each).then((outcomes) => {
                const failure = this.#failure(outcomes);
                if (failure === undefined)
                    subscriber.complete();
                else
                    subscriber.error(failure);
            }, (error) => subscriber.error(error));
            return () => this.deadline.abandon();
        });
    }
    #askAll(each) {
        return this.connection.slots().map((member) => {
            const { slot } = member;
            const request = new SlotRequest(this.connection, this.call, slot, this.payload, this.deadline);
            const settled = this.deadline
                .bound((signal) => request.send(signal, member), request.expired)
                .then((answer) => valueOf(answer, this.call, `slot ${slot}`))
                .then((value) => ({ slot, status: 'fulfilled', value }), (reason) => ({ slot, status: 'rejected', reason }));
            return each === undefined ? settled : settled.then((outcome) => (each(outcome), outcome));
        });
    }
    #failure(outcomes) {
        const failures = [];
        for (const outcome of outcomes) {
            if (outcome.status === 'rejected')
                failures.push({ slot: outcome.slot, error: outcome.reason });
        }
        if (failures.length === 0)
            return undefined;
        const nobody = failures.length === outcomes.length && failures.every(({ error }) => isOwnNoHandler(error));
        return nobody
            ? new NoHandlerError(this.call.event, WORKERS)
            : new MapError(this.call.event, failures, outcomes.length);
    }
}
/** Not one that a handler met in a call of its own: that comes back as a RemoteError. */
function isOwnNoHandler(error) {
    return error instanceof NoHandlerError && error.constructor === NoHandlerError;
}
//# sourceMappingURL=map.js.map