import { readSync, writeSync, writevSync } from 'node:fs';
import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';
import type { Duplex } from 'node:stream';
import type { Frame } from './frame.js';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import type { Link, LinkListener } from './link.js';

/**
 * When the frames of one turn of the event loop are written. `'tick'`: after the running callback and its promises,
 * which answers sooner. `'turn'`: after all sockets were read, which makes larger writes and suits the hub.
 */
export type FlushTime = 'tick' | 'turn';

/** The most bytes that are read at a time. */
const READ_SIZE = 64 * 1024;

/** When this many bytes were written directly, they count as queued until the next turn of the event loop. */
const TURN_BYTES = 64 * 1024;

/** Frames that may wait do so for this time after a write, in ms: the shortest time of Node's timers. */
const HOLD_TIME = 1;

/** Frames do not wait if there are this many bytes of them. */
const HOLD_BYTES = 8 * 1024;

/** The listener of a closed link: ignores everything. */
const NOBODY: LinkListener = { onFrame: () => {}, onDrain: () => {}, onClose: () => {} };

/** A link over a socket, pipe or other byte stream. */
export class SocketLink implements Link {
  private readonly reader: FrameReader;
  private readonly writer = new FrameWriter();
  private listener: LinkListener | undefined;
  /** Bytes that the socket has accepted and the kernel has not. */
  private inSocket = 0;
  /** Bytes written directly, which still count as queued in this turn of the event loop. */
  private inTurn = 0;
  private scheduled = false;
  private wroteAt = -Infinity;
  /** The timer that runs while frames wait for others. */
  private holding: NodeJS.Timeout | undefined;
  private ending = false;
  private closed = false;
  private flushed: (() => void)[] = [];
  /** What was read before a listener was attached; nothing more is read until then. */
  private early: Buffer | undefined;

  /** @param maxFrame the largest frame that it reads, in bytes; a larger one cuts the link */
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

  /**
   * Creates a link over a file descriptor of this process, which the link then owns. All data is read into one buffer
   * and copied out of it: that costs less than a new full-size buffer and a pass through the stream for every read.
   */
  static over(fd: number, maxFrame: number): SocketLink {
    const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
    const callback = (length: number): boolean => link.take(buffer.subarray(0, length));
    // Missing in the types of this constructor; connect() has it.
    const options: SocketConstructorOpts & ConnectOpts = {
      fd,
      readable: true,
      writable: true,
      onread: { buffer, callback },
    };
    const link = new SocketLink(new Socket(options), maxFrame);
    return link;
  }

  attach(listener: LinkListener): void {
    this.listener = listener;
    if (this.closed) {
      listener.onClose('the connection was closed');
      return;
    }
    if (this.early !== undefined) this.reader.push(this.early);
    this.early = undefined;
    this.socket.on('end', () => this.finish('the other side closed the connection'));
    this.socket.on('data', (chunk: Buffer) => this.reader.push(chunk));
    this.socket.resume();
  }

  /** Makes an open link keep the process running, as a socket does; see `net.Socket.ref`. */
  ref(): void {
    if (this.socket instanceof Socket) this.socket.ref();
  }

  /** Lets the process end while the link is open. */
  unref(): void {
    if (this.socket instanceof Socket) this.socket.unref();
  }

  get queued(): number {
    return this.writer.bytes + this.inSocket + (this.inTurn < TURN_BYTES ? 0 : this.inTurn);
  }

  send(frame: Frame, mayWait = false): void {
    if (this.closed || this.ending) return;
    this.writer.add(frame);
    if (this.scheduled || (mayWait && this.holds())) return;
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

  /** Writes the collected frames to the kernel, and gives the socket what the kernel does not accept at once. */
  write(): void {
    this.scheduled = false;
    this.release();
    this.wroteAt = performance.now();
    if (this.writer.bytes === 0 || this.closed || this.ending) return;
    const rest = this.writeNow(this.writer.take());
    if (rest.length > 0) this.writeLater(rest);
  }

  /**
   * Whether a frame that may wait does wait. Messages written one by one in quick succession wake every process on
   * their way once per message. So the first one is written at once, and those of the next millisecond are written
   * together.
   */
  private holds(): boolean {
    if (this.flushTime === 'turn' || this.writer.bytes >= HOLD_BYTES) return false;
    if (this.holding !== undefined) return true;
    if (performance.now() - this.wroteAt >= HOLD_TIME) return false;
    this.holding = setTimeout(writeOut, HOLD_TIME, this);
    return true;
  }

  private release(): void {
    if (this.holding === undefined) return;
    clearTimeout(this.holding);
    this.holding = undefined;
  }

  /**
   * Writes directly to the file descriptor if the socket has nothing queued: a stream's bookkeeping costs several
   * times as much as the system call. Returns what is left, in order.
   */
  private writeNow(pieces: Buffer[]): Buffer[] {
    const fd = this.inSocket === 0 ? this.fd : -1;
    if (fd < 0) return pieces;
    let written: number;
    try {
      written = pieces.length === 1 ? writeSync(fd, pieces[0]!) : writevSync(fd, pieces);
    } catch {
      // Usually there is no room now. The socket waits for room, or gets the same error after everything was read.
      return pieces;
    }
    const rest = after(pieces, written);
    this.pace(written);
    if (rest.length === 0) this.drained();
    return rest;
  }

  /**
   * A sender in a loop that awaits nothing else would never read, and so would never notice that a receiver is
   * congested. So directly written bytes count as queued until the next turn of the event loop.
   */
  private pace(written: number): void {
    const before = this.inTurn;
    this.inTurn += written;
    if (before >= TURN_BYTES || this.inTurn < TURN_BYTES) return;
    setImmediate(() => {
      this.inTurn = 0;
      this.drained();
    });
  }

  private writeLater(pieces: Buffer[]): void {
    const last = pieces.length - 1;
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    this.inSocket += bytes;
    if (last > 0) this.socket.cork();
    for (let i = 0; i < last; i++) this.socket.write(pieces[i]!);
    this.socket.write(pieces[last]!, (error) => this.written(bytes, error));
    if (last > 0) this.socket.uncork();
  }

  /** Takes bytes that are valid during this call only. Returns false if nothing more may be read for now. */
  private take(bytes: Buffer): boolean {
    if (this.listener === undefined) {
      this.early = Buffer.from(bytes);
      return false;
    }
    this.reader.push(this.reader.isWithinFrame(bytes.length) ? bytes : Buffer.from(bytes));
    return true;
  }

  private written(bytes: number, error: Error | null | undefined): void {
    if (error !== null && error !== undefined) {
      this.readWhatIsLeft();
      this.finish(error.message);
      return;
    }
    this.inSocket -= bytes;
    this.drained();
  }

  private drained(): void {
    if (this.closed) return;
    this.listener?.onDrain();
    if (this.queued > 0) return;
    this.writer.recycle();
    this.settleFlushes();
  }

  /**
   * The other process is dead, but what it sent before (results of finished tasks) is still in the kernel's
   * buffer, and Node destroys a socket after a failed write without reading on. All of it is there by now, so
   * it can be read synchronously.
   */
  private readWhatIsLeft(): void {
    const { fd } = this;
    if (this.closed || this.listener === undefined || fd < 0) return;
    try {
      for (;;) {
        const chunk = Buffer.allocUnsafeSlow(READ_SIZE);
        const length = readSync(fd, chunk);
        if (length === 0) return;
        this.reader.push(chunk.subarray(0, length));
      }
    } catch {
      // EAGAIN or ECONNRESET: everything was read.
    }
  }

  /** The socket's file descriptor; -1 if it has none, or has closed it. */
  private get fd(): number {
    return (this.socket as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
  }

  private finish(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.release();
    this.reader.stop();
    this.settleFlushes();
    const { listener } = this;
    // The record of the process, which refers to this link, is kept for a while; its event handlers need not be.
    if (listener) this.listener = NOBODY;
    listener?.onClose(reason);
  }

  private settleFlushes(): void {
    for (const resolve of this.flushed.splice(0)) resolve();
  }
}

/** What is left of `pieces` after the first `written` bytes. */
function after(pieces: Buffer[], written: number): Buffer[] {
  let skip = written;
  for (const [i, piece] of pieces.entries()) {
    if (skip < piece.length) return [piece.subarray(skip), ...pieces.slice(i + 1)];
    skip -= piece.length;
  }
  return [];
}

function writeOut(link: SocketLink): void {
  link.write();
}
