// The module's own setImmediate: an application's tests may have replaced the global one by a fake clock.
import { setImmediate } from 'node:timers';
/** Two ends of a line within one process: what one sends, the other gets in a later loop turn, in order. */
export function memoryLinkPair() {
    const a = new MemoryLink();
    const b = new MemoryLink();
    a.peer = b;
    b.peer = a;
    return [a, b];
}
class MemoryLink {
    peer;
    queued = 0;
    listener;
    inbox = [];
    scheduled = false;
    /** It sends no more. */
    ended = false;
    /** The other side's reason, once it sends no more. */
    peerEnded;
    closed = false;
    flushed = [];
    attach(listener) {
        this.listener = listener;
        this.schedule();
    }
    send(frame) {
        if (this.ended || this.closed)
            return;
        this.queued += frame.length;
        this.peer.inbox.push(frame);
        this.peer.schedule();
    }
    flush() {
        if (this.queued === 0 || this.closed)
            return Promise.resolve();
        return new Promise((resolve) => this.flushed.push(resolve));
    }
    close() {
        if (this.ended || this.closed)
            return;
        this.ended = true;
        this.peer.peerEnded ??= 'the other side closed the link';
        this.peer.schedule();
    }
    abort(reason) {
        if (this.closed)
            return;
        this.close();
        this.inbox = [];
        this.finish(reason);
    }
    schedule() {
        if (this.scheduled || this.closed || this.listener === undefined)
            return;
        this.scheduled = true;
        setImmediate(() => this.deliver());
    }
    deliver() {
        this.scheduled = false;
        if (this.closed)
            return;
        const frames = this.inbox;
        this.inbox = [];
        for (const frame of frames) {
            if (this.closed)
                break;
            this.peer.queued -= frame.length;
            this.listener.onFrame(frame);
        }
        if (frames.length > 0)
            this.peer.drained();
        if (this.peerEnded === undefined || this.inbox.length > 0)
            return;
        // As a socket does: it ends its own side when the other side has ended.
        this.close();
        this.finish(this.peerEnded);
    }
    drained() {
        if (this.closed)
            return;
        this.listener?.onDrain();
        if (this.queued === 0)
            this.settleFlushes();
    }
    finish(reason) {
        if (this.closed)
            return;
        this.closed = true;
        this.peer.queued = 0;
        this.peer.settleFlushes();
        this.settleFlushes();
        this.listener?.onClose(reason);
    }
    settleFlushes() {
        for (const resolve of this.flushed.splice(0))
            resolve();
    }
}
//# sourceMappingURL=memory-link.js.map