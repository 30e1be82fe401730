import { PRIMARY_ID } from '../bus/bus.interface.js';
import { DeliveryRefused } from '../bus/delivery-refused.js';
import { MemberLostError } from '../errors/index.js';
import { noWorkerReady, timedOut } from './outcome.js';
/** A request to one slot, or the primary, whichever process is there. */
export class SlotRequest {
    connection;
    call;
    address;
    payload;
    deadline;
    #refused;
    #sent = false;
    constructor(connection, call, address, payload, deadline) {
        this.connection = connection;
        this.call = call;
        this.address = address;
        this.payload = payload;
        this.deadline = deadline;
    }
    /**
     * Sends it to `member`, or to the slot's ready worker, now or once there is one. A worker that leaves
     * before it took the request has not run it, so the slot's next one gets it.
     */
    async send(signal, member) {
        if (this.address === 'primary')
            return this.#request(PRIMARY_ID, signal);
        for (let to = member;; to = undefined) {
            // Found at once, it is sent to at once: that keeps a sender's messages in order.
            to ??=
                this.connection.ready(this.#wanted) ?? (await this.connection.member(this.call.label, signal, this.#wanted));
            try {
                return await this.#request(to.id, signal);
            }
            catch (error) {
                if (!(error instanceof DeliveryRefused))
                    throw error;
                this.#refused = to.id;
                this.#sent = false;
            }
        }
    }
    /** The error for a deadline that passed. */
    expired = () => {
        const { address } = this;
        if (this.#sent)
            return timedOut(this.call, `${name(address)} did not answer in time`);
        if (this.#refused !== undefined)
            return lost(this.call, address);
        const slots = this.connection.slots().map(({ slot }) => slot);
        if (slots.length === 0)
            return noWorkerReady(this.call);
        return noWorkerReady(this.call, `no worker became ready in slot ${address}; ready slots: ${slots.join(', ')}`);
    };
    #wanted = ({ slot, id }) => slot === this.address && id !== this.#refused;
    async #request(id, signal) {
        signal.cancel = undefined;
        if (signal.cancelled)
            throw this.expired();
        this.#sent = true;
        try {
            return await this.connection.bus.request(id, this.call.event, this.payload, this.deadline.at, signal);
        }
        catch (error) {
            if (error instanceof DeliveryRefused && this.address === 'primary')
                throw lost(this.call, this.address);
            throw error;
        }
    }
}
function lost(call, address) {
    const next = address === 'primary' ? '' : ' and no other worker became ready there in time';
    return new MemberLostError(address, `${call.label}: ${name(address)} left before it took the message${next}. Try again.`);
}
function name(address) {
    return address === 'primary' ? 'the primary' : `slot ${address}`;
}
//# sourceMappingURL=slot-request.js.map