import type { Duplex } from 'node:stream';
import { sleep, type Clock } from '../../platform/clock.js';
import { spread } from './spread.js';

/** WebSocket close code 1012, service restart (IANA WebSocket close code registry): clients reconnect. */
const SERVICE_RESTART = 1012;

/** A server's unmasked close frame (RFC 6455, 5.5.1): FIN and opcode 8, length 2, the code. */
const CLOSE_FRAME = Buffer.from([0x88, 0x02, SERVICE_RESTART >> 8, SERVICE_RESTART & 0xff]);

/** The time over which the closing of connections is spread, in ms, so that clients do not all reconnect at once. */
export const CLOSE_SPREAD = 2_000;

/** How long a client may take to answer the close, in ms; then its connection is cut. */
const CLOSE_TIMEOUT = 2_000;

/**
 * Connections that do not use HTTP any more: WebSockets, and other upgraded connections. No response will ever end
 * them, so a drain has to close them. A close frame may be sent between any two frames, whichever library uses the
 * socket; the client answers it, and the library sees that as an ordinary close.
 */
export class UpgradedConnections {
  private readonly sockets = new Map<Duplex, 'websocket' | 'other'>();

  get size(): number {
    return this.sockets.size;
  }

  /** An upgrade was requested. If the application refuses it, the socket closes and does not count any more. */
  add(socket: Duplex, protocol: string | undefined): void {
    this.sockets.set(socket, protocol?.toLowerCase() === 'websocket' ? 'websocket' : 'other');
    socket.once('close', () => this.sockets.delete(socket));
  }

  /** Asks every client to leave, spread over time, and cuts the connections of those that do not. */
  async closeAll(clock: Clock): Promise<void> {
    const leaving = [...this.sockets];
    await spread(leaving, CLOSE_SPREAD, clock, ([socket, protocol]) => {
      if (protocol === 'websocket' && socket.writable) socket.write(CLOSE_FRAME);
      else socket.end();
    });
    const until = clock.now() + CLOSE_TIMEOUT;
    while (leaving.some(([socket]) => this.sockets.has(socket)) && clock.now() < until) await sleep(clock, 50);
    for (const [socket] of leaving) socket.destroy();
  }
}
