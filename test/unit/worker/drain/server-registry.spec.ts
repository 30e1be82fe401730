import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage, type Server } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ServerRegistry } from '../../../../lib/worker/drain/server-registry.js';

describe('ServerRegistry', () => {
  const { listen } = net.Server.prototype;
  const servers: Server[] = [];
  let registry: ServerRegistry;
  let changed: jest.Mock<() => void>;
  let uninstall: () => void;
  beforeEach(() => {
    changed = jest.fn();
    registry = new ServerRegistry(changed);
    uninstall = registry.install();
  });
  afterEach(() => {
    uninstall();
    for (const server of servers.splice(0)) server.close();
  });

  async function listening(port = 0): Promise<Server> {
    const server = createServer((_, response) => response.end('ok'));
    servers.push(server);
    server.listen(port);
    await once(server, 'listening');
    return server;
  }

  it('knows how many servers listen and how many are about to, and tells of every change', async () => {
    const server = createServer();
    servers.push(server);
    server.listen(0);
    expect(registry.awaiting).toBe(1);
    expect(changed).toHaveBeenCalledTimes(1);
    await once(server, 'listening');
    expect([registry.listening, registry.awaiting]).toEqual([1, 0]);
    expect(changed).toHaveBeenCalledTimes(2);
  });

  it('does not count a server that was closed again', async () => {
    const probe = await listening();
    probe.close();
    await once(probe, 'close');
    expect([registry.listening, registry.awaiting]).toEqual([0, 0]);
  });

  it('leaves a refused port to whoever handles it, and waits no longer', async () => {
    const taken = ((await listening()).address() as AddressInfo).port;
    const refused = createServer();
    refused.listen(taken);
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('EADDRINUSE');
    expect(registry.awaiting).toBe(0);
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
