// Imported from the module, because an application's tests may have replaced the global setImmediate by a fake clock.
import { setImmediate } from 'node:timers';
import type { Frame } from './frame.js';
import type { Link, LinkListener } from './link.js';

/**
 * The two ends of a link within one process. What one end sends, the other gets in a later turn of the event loop, in
 * order.
 */
export function memoryLinkPair(): [Link, Link] {
  const a = new MemoryLink();
  const b = new MemoryLink();
  a.peer = b;
  b.peer = a;
  return [a, b];
}

class MemoryLink implements Link {
  peer!: MemoryLink;
  queued = 0;
  private listener: LinkListener | undefined;
  private inbox: Frame[] = [];
  private scheduled = false;
  /** True when this end sends no more. */
  private ended = false;
  /** Why the other end sends no more; undefined while it does. */
  private peerEnded: string | undefined;
  private closed = false;
  private flushed: (() => void)[] = [];

  attach(listener: LinkListener): void {
    this.listener = listener;
    this.schedule();
  }

  send(frame: Frame): void {
    if (this.ended || this.closed) return;
    this.queued += frame.length;
    this.peer.inbox.push(frame);
    this.peer.schedule();
  }

  flush(): Promise<void> {
    if (this.queued === 0 || this.closed) return Promise.resolve();
    return new Promise((resolve) => this.flushed.push(resolve));
  }

  close(): void {
    if (this.ended || this.closed) return;
    this.ended = true;
    this.peer.peerEnded ??= 'the other side closed the link';
    this.peer.schedule();
  }

  abort(reason: string): void {
    if (this.closed) return;
    this.close();
    this.inbox = [];
    this.finish(reason);
  }

  private schedule(): void {
    if (this.scheduled || this.closed || this.listener === undefined) return;
    this.scheduled = true;
    setImmediate(() => this.deliver());
  }

  private deliver(): void {
    this.scheduled = false;
    if (this.closed) return;
    const frames = this.inbox;
    this.inbox = [];
    for (const frame of frames) {
      if (this.closed) break;
      this.peer.queued -= frame.length;
      this.listener!.onFrame(frame);
    }
    if (frames.length > 0) this.peer.drained();
    if (this.peerEnded === undefined || this.inbox.length > 0) return;
    // As a socket does: it closes its own side when the other side has closed.
    this.close();
    this.finish(this.peerEnded);
  }

  private drained(): void {
    if (this.closed) return;
    this.listener?.onDrain();
    if (this.queued === 0) this.settleFlushes();
  }

  private finish(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.peer.queued = 0;
    this.peer.settleFlushes();
    this.settleFlushes();
    this.listener?.onClose(reason);
  }

  private settleFlushes(): void {
    for (const resolve of this.flushed.splice(0)) resolve();
  }
}
