import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ServerRegistry } from '../../../lib/worker/server-registry.js';

describe('ServerRegistry', () => {
  const { listen } = net.Server.prototype;
  const servers: Server[] = [];
  let registry: ServerRegistry;
  beforeEach(() => {
    registry = new ServerRegistry();
    registry.install();
  });
  afterEach(() => {
    net.Server.prototype.listen = listen;
    for (const server of servers.splice(0)) server.close();
  });

  async function listening(port = 0): Promise<Server> {
    const server = createServer((_, response) => response.end('ok'));
    servers.push(server);
    server.listen(port);
    await once(server, 'listening');
    return server;
  }

  it('is settled when every server that was asked to listen does', async () => {
    const server = createServer();
    servers.push(server);
    server.listen(0);
    let settled = false;
    const done = registry.listening(undefined).then(() => (settled = true));
    expect(settled).toBe(false);
    await once(server, 'listening');
    await done;
    expect(settled).toBe(true);
  });

  it('waits for the required server even when it was not asked to listen yet', async () => {
    const required = createServer();
    servers.push(required);
    const done = registry.listening(required);
    required.listen(0);
    await done;
    expect(required.listening).toBe(true);
  });

  it('does not wait for a server that was closed again', async () => {
    const probe = await listening();
    probe.close();
    await once(probe, 'close');
    await expect(registry.listening(undefined)).resolves.toBeUndefined();
  });

  it('leaves a refused port to whoever handles it, and waits no longer', async () => {
    const taken = ((await listening()).address() as AddressInfo).port;
    const refused = createServer();
    refused.listen(taken);
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('EADDRINUSE');
    await expect(registry.listening(undefined)).resolves.toBeUndefined();
    expect(refused.listenerCount('error')).toBe(0);
  });

  it('counts requests, and asks clients to leave once it stops listening', async () => {
    const server = await listening();
    const { port } = server.address() as AddressInfo;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const connection = () =>
      new Promise((resolve, reject) => {
        const answered = (response: IncomingMessage) =>
          response.resume().on('end', () => resolve(response.headers.connection));
        get({ port, agent }, answered).on('error', reject);
      });
    expect(await connection()).toBe('keep-alive');
    registry.stopListening();
    // The connection that is open is served once more.
    expect(await connection()).toBe('close');
    agent.destroy();
    expect(registry.requests).toBe(2);
    expect(registry.inFlight).toBe(0);
  });

  it('stops a server that was asked to listen a moment before, once it does', async () => {
    const server = createServer();
    servers.push(server);
    server.listen(0, 'localhost');
    registry.stopListening();
    await once(server, 'listening');
    await once(server, 'close');
    expect(server.listening).toBe(false);
  });

  it('lets no server begin to listen once it is to keep them closed', async () => {
    const server = await listening();
    registry.keepClosed();
    const late = createServer();
    const began = jest.fn();
    late.listen(0, began);
    // Had it been asked to listen, it would before a later one that nobody watches.
    const probe = new net.Server();
    listen.call(probe, 0);
    await once(probe, 'listening');
    probe.close();
    expect(began).not.toHaveBeenCalled();
    expect(late.listening).toBe(false);
    // Who listens already is not touched.
    expect(server.listening).toBe(true);
  });
});
