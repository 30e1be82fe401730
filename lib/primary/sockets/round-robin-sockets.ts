import net from 'node:net';
import { idleTurn, systemClock } from '../../platform/clock.js';
import { LAST_BACKLOG_TIMEOUT } from './binder.js';

interface Handle {
  onconnection(...args: unknown[]): void;
  close(): void;
}

/**
 * The sockets on which node:cluster accepts connections in this process for its workers (round robin). When the last
 * worker leaves, node:cluster closes such a socket together with the connections that it has accepted and not sent to a
 * worker yet. If the sockets are closed here first, no new connection arrives while those are still sent.
 *
 * node:cluster creates a server for each of these sockets and takes the handle out of it. A server that keeps its
 * handle is the user's, and is left alone.
 */
export class AcceptingSockets {
  private readonly handles = new Set<Handle>();
  private accepted = 0;

  /** Watches every server that listens from now on. */
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

  /** Accepts no connection any more; the accepted ones still go to the workers. */
  async close(): Promise<void> {
    // libuv accepts one connection of a socket in each turn of the event loop. After a turn without a connection, the
    // kernel's queue is empty; the close would reset connections that are still in it.
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
