import { readSync } from 'node:fs';
import { setImmediate } from 'node:timers';
import type { Duplex } from 'node:stream';
import type { Frame } from './frame.js';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import type { Link, LinkListener } from './link.js';

/**
 * When the frames of a loop turn are written: `'tick'` after the running callback and its promises, which
 * answers sooner; `'turn'` after every socket was read, which fills bigger writes and suits the hub.
 */
export type FlushTime = 'tick' | 'turn';

/** A link over a socket, pipe or other byte stream. */
export class SocketLink implements Link {
  private readonly reader: FrameReader;
  private readonly writer = new FrameWriter();
  private listener: LinkListener | undefined;
  /** Bytes the socket has taken and the kernel has not. */
  private inSocket = 0;
  private scheduled = false;
  private ending = false;
  private closed = false;
  private flushed: (() => void)[] = [];

  /** @param maxFrame largest frame it reads, in bytes; a larger one cuts the link */
  constructor(
    private readonly socket: Duplex,
    maxFrame: number,
    private readonly flushTime: FlushTime = 'tick',
  ) {
    this.reader = new FrameReader(
      maxFrame,
      (frame) => this.listener!.onFrame(frame),
      (reason) => this.abort(`it sent ${reason}`),
    );
    socket.on('error', (error) => this.finish(error.message));
    socket.on('close', () => this.finish('the connection was closed'));
  }

  attach(listener: LinkListener): void {
    this.listener = listener;
    if (this.closed) {
      listener.onClose('the connection was closed');
      return;
    }
    this.socket.on('end', () => this.finish('the other side closed the connection'));
    this.socket.on('data', (chunk: Buffer) => this.reader.push(chunk));
    this.socket.resume();
  }

  get queued(): number {
    return this.writer.bytes + this.inSocket;
  }

  send(frame: Frame): void {
    if (this.closed || this.ending) return;
    this.writer.add(frame);
    if (this.scheduled) return;
    this.scheduled = true;
    if (this.flushTime === 'tick') process.nextTick(writeOut, this);
    else setImmediate(writeOut, this);
  }

  flush(): Promise<void> {
    if (this.closed) return Promise.resolve();
    this.write();
    if (this.queued === 0) return Promise.resolve();
    return new Promise((resolve) => this.flushed.push(resolve));
  }

  close(): void {
    if (this.closed || this.ending) return;
    this.write();
    this.ending = true;
    this.socket.end();
  }

  abort(reason: string): void {
    this.finish(reason);
    this.socket.destroy();
  }

  /** Gives what was collected to the socket. */
  write(): void {
    this.scheduled = false;
    const bytes = this.writer.bytes;
    if (bytes === 0 || this.closed || this.ending) return;
    this.inSocket += bytes;
    const pieces = this.writer.take();
    const last = pieces.length - 1;
    if (last > 0) this.socket.cork();
    for (let i = 0; i < last; i++) this.socket.write(pieces[i]!);
    this.socket.write(pieces[last]!, (error) => this.written(bytes, error));
    if (last > 0) this.socket.uncork();
  }

  private written(bytes: number, error: Error | null | undefined): void {
    if (error !== null && error !== undefined) {
      this.readWhatIsLeft();
      this.finish(error.message);
      return;
    }
    this.inSocket -= bytes;
    if (this.closed) return;
    this.listener?.onDrain();
    if (this.queued > 0) return;
    this.writer.recycle();
    this.settleFlushes();
  }

  /**
   * The other process is dead, but what it sent before (results of finished tasks) is still in the kernel's
   * buffer, and Node destroys a socket whose write failed without reading on. All of it is there by now, so
   * it can be read on the spot.
   */
  private readWhatIsLeft(): void {
    const { fd } = (this.socket as { _handle?: { fd?: number } | null })._handle ?? {};
    if (this.closed || this.listener === undefined || fd === undefined || fd < 0) return;
    try {
      for (;;) {
        const chunk = Buffer.allocUnsafeSlow(64 * 1024);
        const length = readSync(fd, chunk);
        if (length === 0) return;
        this.reader.push(chunk.subarray(0, length));
      }
    } catch {
      // EAGAIN or ECONNRESET: that was all.
    }
  }

  private finish(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.reader.stop();
    this.settleFlushes();
    this.listener?.onClose(reason);
  }

  private settleFlushes(): void {
    for (const resolve of this.flushed.splice(0)) resolve();
  }
}

function writeOut(link: SocketLink): void {
  link.write();
}
