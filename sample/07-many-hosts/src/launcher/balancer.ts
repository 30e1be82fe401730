import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

const NOBODY = 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

/**
 * Listens on `port` and passes each connection on to the next host in turn. One that refuses it is passed over: nothing
 * was sent yet, so the next one can have it. A real one would look at the health of its hosts besides.
 */
export async function balance(hosts: readonly number[], port: number): Promise<Server> {
  let turn = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    client.on('error', () => client.destroy()); // it may hang up before any host has it
    const first = turn++ % hosts.length;
    void passOn(client, [...hosts.slice(first), ...hosts.slice(0, first)]);
  });
  server.listen(port);
  await once(server, 'listening');
  return server;
}

async function passOn(client: Socket, hosts: readonly number[]): Promise<void> {
  for (const port of hosts) {
    const host = await reach(port);
    if (host === undefined) continue;
    // A connection that breaks on one side is broken off on the other.
    pipeline(client, host, () => {});
    pipeline(host, client, () => {});
    return;
  }
  client.end(NOBODY);
  client.resume();
}

function reach(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}
