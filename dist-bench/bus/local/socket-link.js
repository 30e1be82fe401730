import { readSync } from 'node:fs';
import { setImmediate } from 'node:timers';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
/** A link over a socket, pipe or other byte stream. */
export class SocketLink {
    socket;
    flushTime;
    reader;
    writer = new FrameWriter();
    listener;
    /** Bytes the socket has taken and the kernel has not. */
    inSocket = 0;
    scheduled = false;
    ending = false;
    closed = false;
    flushed = [];
    /** @param maxFrame largest frame it reads, in bytes; a larger one cuts the link */
    constructor(socket, maxFrame, flushTime = 'tick') {
        this.socket = socket;
        this.flushTime = flushTime;
        this.reader = new FrameReader(maxFrame, (frame) => this.listener.onFrame(frame), (reason) => this.abort(`it sent ${reason}`));
        socket.on('error', (error) => this.finish(error.message));
        socket.on('close', () => this.finish('the connection was closed'));
    }
    attach(listener) {
        this.listener = listener;
        if (this.closed) {
            listener.onClose('the connection was closed');
            return;
        }
        this.socket.on('end', () => this.finish('the other side closed the connection'));
        this.socket.on('data', (chunk) => this.reader.push(chunk));
        this.socket.resume();
    }
    get queued() {
        return this.writer.bytes + this.inSocket;
    }
    send(frame) {
        if (this.closed || this.ending)
            return;
        this.writer.add(frame);
        if (this.scheduled)
            return;
        this.scheduled = true;
        if (this.flushTime === 'tick')
            process.nextTick(writeOut, this);
        else
            setImmediate(writeOut, this);
    }
    flush() {
        if (this.closed)
            return Promise.resolve();
        this.write();
        if (this.queued === 0)
            return Promise.resolve();
        return new Promise((resolve) => this.flushed.push(resolve));
    }
    close() {
        if (this.closed || this.ending)
            return;
        this.write();
        this.ending = true;
        this.socket.end();
    }
    abort(reason) {
        this.finish(reason);
        this.socket.destroy();
    }
    /** Gives what was collected to the socket. */
    write() {
        this.scheduled = false;
        const bytes = this.writer.bytes;
        if (bytes === 0 || this.closed || this.ending)
            return;
        this.inSocket += bytes;
        const pieces = this.writer.take();
        const last = pieces.length - 1;
        if (last > 0)
            this.socket.cork();
        for (let i = 0; i < last; i++)
            this.socket.write(pieces[i]);
        this.socket.write(pieces[last], (error) => this.written(bytes, error));
        if (last > 0)
            this.socket.uncork();
    }
    written(bytes, error) {
        if (error !== null && error !== undefined) {
            this.readWhatIsLeft();
            this.finish(error.message);
            return;
        }
        this.inSocket -= bytes;
        if (this.closed)
            return;
        this.listener?.onDrain();
        if (this.queued > 0)
            return;
        this.writer.recycle();
        this.settleFlushes();
    }
    /**
     * The other process is dead, but what it sent before (results of finished tasks) is still in the kernel's
     * buffer, and Node destroys a socket whose write failed without reading on. All of it is there by now, so
     * it can be read on the spot.
     */
    readWhatIsLeft() {
        const { fd } = this.socket._handle ?? {};
        if (this.closed || this.listener === undefined || fd === undefined || fd < 0)
            return;
        try {
            for (;;) {
                const chunk = Buffer.allocUnsafeSlow(64 * 1024);
                const length = readSync(fd, chunk);
                if (length === 0)
                    return;
                this.reader.push(chunk.subarray(0, length));
            }
        }
        catch {
            // EAGAIN or ECONNRESET: that was all.
        }
    }
    finish(reason) {
        if (this.closed)
            return;
        this.closed = true;
        this.reader.stop();
        this.settleFlushes();
        this.listener?.onClose(reason);
    }
    settleFlushes() {
        for (const resolve of this.flushed.splice(0))
            resolve();
    }
}
function writeOut(link) {
    link.write();
}
//# sourceMappingURL=socket-link.js.map