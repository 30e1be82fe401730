import type { Address, Answer, Member } from '../bus/bus.interface.js';
import type { Connection } from './connection.js';
import type { CallSignal, Deadline } from './deadline.js';
import type { CallInfo } from './outcome.js';
/** A request to one slot, or the primary, whichever process is there. */
export declare class SlotRequest {
    #private;
    private readonly connection;
    private readonly call;
    private readonly address;
    private readonly payload;
    private readonly deadline;
    constructor(connection: Connection, call: CallInfo, address: Address, payload: Uint8Array, deadline: Deadline);
    /**
     * Sends it to `member`, or to the slot's ready worker, now or once there is one. A worker that leaves
     * before it took the request has not run it, so the slot's next one gets it.
     */
    send(signal: CallSignal, member?: Member): Promise<Answer>;
    /** The error for a deadline that passed. */
    readonly expired: () => Error;
}
