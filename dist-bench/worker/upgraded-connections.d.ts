import type { Duplex } from 'node:stream';
import { type Clock } from '../platform/clock.js';
/** Over this long (ms) the farewells are spread, so that clients do not all reconnect at once. */
export declare const FAREWELL_SPREAD = 2000;
/**
 * Connections that are HTTP no more: WebSockets, and whatever else was upgraded. No response will ever end
 * them, so a drain has to say good-bye. A close frame may stand between any two frames, whichever library
 * speaks on the socket; the client answers it, and the library sees that as an ordinary close.
 */
export declare class UpgradedConnections {
    private readonly sockets;
    get size(): number;
    /** An upgrade was asked for; whether it is granted shows in the socket's life. */
    add(socket: Duplex, protocol: string | undefined): void;
    /** Asks every client to leave, spread over time, and cuts those who do not. */
    farewell(clock: Clock): Promise<void>;
}
