import type { Duplex } from 'node:stream';
import type { Frame } from './frame.js';
import type { Link, LinkListener } from './link.js';
/**
 * When the frames of a loop turn are written: `'tick'` after the running callback and its promises, which
 * answers sooner; `'turn'` after every socket was read, which fills bigger writes and suits the hub.
 */
export type FlushTime = 'tick' | 'turn';
/** A link over a socket, pipe or other byte stream. */
export declare class SocketLink implements Link {
    private readonly socket;
    private readonly flushTime;
    private readonly reader;
    private readonly writer;
    private listener;
    /** Bytes the socket has taken and the kernel has not. */
    private inSocket;
    private scheduled;
    private ending;
    private closed;
    private flushed;
    /** @param maxFrame largest frame it reads, in bytes; a larger one cuts the link */
    constructor(socket: Duplex, maxFrame: number, flushTime?: FlushTime);
    attach(listener: LinkListener): void;
    get queued(): number;
    send(frame: Frame): void;
    flush(): Promise<void>;
    close(): void;
    abort(reason: string): void;
    /** Gives what was collected to the socket. */
    write(): void;
    private written;
    /**
     * The other process is dead, but what it sent before (results of finished tasks) is still in the kernel's
     * buffer, and Node destroys a socket whose write failed without reading on. All of it is there by now, so
     * it can be read on the spot.
     */
    private readWhatIsLeft;
    private finish;
    private settleFlushes;
}
