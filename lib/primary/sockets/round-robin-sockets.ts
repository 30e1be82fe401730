import net from 'node:net';
import { idleTurn, systemClock } from '../../platform/clock.js';
import { LAST_BACKLOG_TIMEOUT } from './binder.js';

interface Handle {
  onconnection(...args: unknown[]): void;
  close(): void;
}

/**
 * The sockets on which node:cluster accepts connections in this process for its workers (round robin).
 * When the last worker leaves, node:cluster closes such a socket together with the connections that it has
 * accepted and not yet handed on. Closed here first, nothing new comes while those are still handed on.
 *
 * node:cluster takes the handle out of a server it made for the purpose; a server that keeps its own is the
 * user's, and left alone.
 */
export class AcceptingSockets {
  private readonly handles = new Set<Handle>();
  private accepted = 0;

  /** Watches from now on. */
  install(): void {
    const take = (handle: Handle): void => this.take(handle);
    const listen = net.Server.prototype.listen as (...args: unknown[]) => net.Server;
    net.Server.prototype.listen = function (this: net.Server & { _handle?: Handle | null }, ...args: unknown[]) {
      this.prependOnceListener('listening', () => {
        const handle = this._handle;
        setImmediate(() => {
          if (handle && !this._handle) take(handle);
        });
      });
      return listen.apply(this, args);
    } as typeof net.Server.prototype.listen;
  }

  /** Accepts nothing any more; what was accepted goes on to the workers. */
  async close(): Promise<void> {
    // libuv accepts one connection of a socket in each turn of the loop: a turn without one, and the
    // kernel's queue, which would be reset by the close, is empty.
    await idleTurn(() => this.accepted, systemClock, LAST_BACKLOG_TIMEOUT);
    for (const handle of this.handles) handle.close();
    this.handles.clear();
  }

  private take(handle: Handle): void {
    const { onconnection } = handle;
    handle.onconnection = (...args) => {
      this.accepted += 1;
      onconnection.apply(handle, args);
    };
    this.handles.add(handle);
  }
}
