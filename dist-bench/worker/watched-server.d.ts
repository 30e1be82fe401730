import net from 'node:net';
import { type Clock } from '../platform/clock.js';
/** What http.Server and https.Server have beyond net.Server. */
interface HttpConnections {
    closeIdleConnections?(): void;
    closeAllConnections?(): void;
}
/** One server of the application as a drain sees it. A plain TCP server is only stopped from listening. */
export declare class WatchedServer {
    private readonly server;
    private readonly responses;
    private readonly sessions;
    private readonly upgraded;
    private readonly isHttp;
    private began;
    private draining;
    constructor(server: net.Server & HttpConnections);
    get requests(): number;
    /** Requests whose response is not finished, and connections that were upgraded. */
    get inFlight(): number;
    stopListening(): void;
    farewell(clock: Clock): Promise<void>;
    closeIdle(): void;
    closeAll(): void;
    connections(): Promise<number>;
    private requested;
    private opened;
    /** An 'upgrade' listener of ours alone would keep Node from serving such requests as ordinary ones. */
    private watchUpgrades;
    /** An EventSource reconnects by itself when its stream ends, and would never end it. */
    private endEventStreams;
}
export {};
