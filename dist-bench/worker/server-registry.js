import net from 'node:net';
import { WatchedServer } from './watched-server.js';
/**
 * Knows every server of this process that was asked to listen, and every HTTP request in flight. It
 * watches `net.Server.prototype.listen`, which HTTP, HTTPS and HTTP/2 servers of all frameworks go through.
 */
export class ServerRegistry {
    servers = new Map();
    waiting = new Set();
    /** Watches from now on. */
    install() {
        const registry = this;
        const listen = net.Server.prototype.listen;
        net.Server.prototype.listen = function (...args) {
            registry.watch(this);
            return listen.apply(this, args);
        };
    }
    /** HTTP requests begun so far. */
    get requests() {
        return this.sum((server) => server.requests);
    }
    /** HTTP requests whose response is not finished. */
    get inFlight() {
        return this.sum((server) => server.inFlight);
    }
    /** Resolves when every server that was asked to listen does, and `required`, if given, is among them. */
    async listening(required) {
        const settled = () => [...this.servers.keys()].every((server) => server.listening) && (!required || required.listening);
        while (!settled())
            await new Promise((resolve) => this.waiting.add(resolve));
    }
    /** Stops listening without touching a live connection, and asks HTTP clients to leave after their response. */
    stopListening() {
        for (const server of this.servers.values())
            server.stopListening();
    }
    /** Ends what would never end by itself: WebSockets and event streams; spread over time. */
    async farewell(clock) {
        await Promise.all([...this.servers.values()].map((server) => server.farewell(clock)));
    }
    /** Closes HTTP connections that wait between two requests; those just accepted are left alone. */
    closeIdle() {
        for (const server of this.servers.values())
            server.closeIdle();
    }
    /** Closes every HTTP connection, whatever it does. */
    closeAll() {
        for (const server of this.servers.values())
            server.closeAll();
    }
    /** Open connections of all HTTP servers. */
    async connections() {
        const counts = await Promise.all([...this.servers.values()].map((server) => server.connections()));
        return counts.reduce((total, count) => total + count, 0);
    }
    watch(server) {
        if (this.servers.has(server))
            return;
        this.servers.set(server, new WatchedServer(server));
        server.on('listening', () => this.notify());
        server.on('close', () => this.notify());
        server.on('error', () => this.notify());
    }
    notify() {
        const waiting = [...this.waiting];
        this.waiting.clear();
        for (const resolve of waiting)
            resolve();
    }
    sum(count) {
        let total = 0;
        for (const server of this.servers.values())
            total += count(server);
        return total;
    }
}
//# sourceMappingURL=server-registry.js.map