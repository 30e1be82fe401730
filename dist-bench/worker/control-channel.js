import { Subject } from 'rxjs';
import { NotConnectedError } from '../errors/index.js';
import { processEvents } from '../platform/process-events.js';
import { seal, fromPrimary } from '../protocol/messages.js';
import { rebuildReport } from '../protocol/error-report.js';
/** A worker's line to its primary: the cluster IPC channel. Foreign messages pass by untouched. */
export class ControlChannel {
    incoming = new Subject();
    pending = new Map();
    requests = 0;
    constructor() {
        processEvents.onMessage((raw) => {
            const message = fromPrimary(raw);
            if (message?.type === 'answer')
                this.settle(message);
            else if (message)
                this.incoming.next(message);
        });
        processEvents.onDisconnect(() => this.fail());
    }
    /** Control messages of the primary, answers to requests left out. */
    get messages() {
        return this.incoming;
    }
    /** Sends; false where the channel is closed. */
    send(message) {
        if (!process.connected || !process.send)
            return false;
        // A failed write surfaces as 'disconnect'; nothing is to be done about it here.
        process.send(seal(message), undefined, {}, () => { });
        return true;
    }
    request(type, workers = 0) {
        const request = (this.requests += 1);
        return new Promise((resolve, reject) => {
            this.pending.set(request, { resolve, reject });
            if (!this.send(type === 'reload' ? { type, request } : { type, request, workers }))
                this.fail();
        });
    }
    settle(answer) {
        const call = this.pending.get(answer.request);
        this.pending.delete(answer.request);
        if (answer.ok)
            call?.resolve(answer.value);
        else
            call?.reject(rebuildReport(answer.error));
    }
    fail() {
        for (const { reject } of this.pending.values()) {
            reject(new NotConnectedError('The primary is gone; its answer will not come.'));
        }
        this.pending.clear();
    }
}
//# sourceMappingURL=control-channel.js.map