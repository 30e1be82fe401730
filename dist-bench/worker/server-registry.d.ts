import net from 'node:net';
import type { Clock } from '../platform/clock.js';
/**
 * Knows every server of this process that was asked to listen, and every HTTP request in flight. It
 * watches `net.Server.prototype.listen`, which HTTP, HTTPS and HTTP/2 servers of all frameworks go through.
 */
export declare class ServerRegistry {
    private readonly servers;
    private readonly waiting;
    /** Watches from now on. */
    install(): void;
    /** HTTP requests begun so far. */
    get requests(): number;
    /** HTTP requests whose response is not finished. */
    get inFlight(): number;
    /** Resolves when every server that was asked to listen does, and `required`, if given, is among them. */
    listening(required: net.Server | undefined): Promise<void>;
    /** Stops listening without touching a live connection, and asks HTTP clients to leave after their response. */
    stopListening(): void;
    /** Ends what would never end by itself: WebSockets and event streams; spread over time. */
    farewell(clock: Clock): Promise<void>;
    /** Closes HTTP connections that wait between two requests; those just accepted are left alone. */
    closeIdle(): void;
    /** Closes every HTTP connection, whatever it does. */
    closeAll(): void;
    /** Open connections of all HTTP servers. */
    connections(): Promise<number>;
    private watch;
    private notify;
    private sum;
}
