import { describe, expect, it, jest } from '@jest/globals';
import { createStandalone } from '../../../lib/local-bus/standalone.js';
import { NotConnectedError, PayloadNotCloneableError, RemoteError } from '../../../lib/errors/errors.js';
import { HandlerRegistry } from '../../../lib/handlers/handler-registry.js';
import { BusConnection } from '../../../lib/messenger/bus-connection.js';
import { Dispatcher } from '../../../lib/messenger/dispatcher.js';
import { MessengerService } from '../../../lib/services/messenger.service.js';

async function standalone() {
  const engine = createStandalone({ maxPayload: 1_024, queueLimit: 10_240 });
  const registry = new HandlerRegistry();
  const settings = { timeout: 1_000, maxPayload: 1_024, stacks: true, standalone: true, slots: () => 1 };
  const dispatcher = new Dispatcher(engine.bus, registry, settings);
  const connection = new BusConnection(engine.bus, registry, dispatcher);
  const messenger = new MessengerService(connection, settings);
  await connection.open();
  engine.ready();
  return { engine, connection, messenger };
}

describe('a cluster of one', () => {
  it('has every kind of call, with clones as between processes', async () => {
    const { messenger } = await standalone();
    const seen: unknown[] = [];
    const when = new Date(3);
    messenger.on('echo', (data: object) => {
      seen.push(data);
      return data;
    });
    const data = { when };
    expect(await messenger.map('echo', data)).toEqual([{ when }]);
    expect(await messenger.consume('echo', data)).toEqual({ when });
    expect(await messenger.send(0, 'echo', data)).toEqual({ when });
    await messenger.broadcast('echo', data);
    expect(await messenger.mapSettled('echo', data)).toEqual([{ slot: 0, status: 'fulfilled', value: { when } }]);
    expect(seen).toEqual([data, data, data, data, data]);
    expect(seen).not.toContain(data);
    const run = jest.fn(() => 1);
    expect(await Promise.all([messenger.runOnce('k', run), messenger.runOnce('k', run)])).toEqual([1, 1]);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('fails as a cluster does', async () => {
    const { engine, connection, messenger } = await standalone();
    messenger.on('fails', () => {
      throw new Error('on purpose');
    });
    await expect(messenger.consume('fails')).rejects.toThrow(RemoteError);
    await expect(messenger.broadcast('fails', () => 1)).rejects.toThrow(PayloadNotCloneableError);
    await expect(messenger.map('nobody')).rejects.toMatchObject({ code: 'ERR_CLUSTER_NO_HANDLER' });
    await expect(messenger.send(1, 'fails')).rejects.toMatchObject({ code: 'ERR_CLUSTER_INVALID_ARGUMENT' });
    await expect(messenger.send('primary', 'x')).rejects.toMatchObject({ code: 'ERR_CLUSTER_DISABLED' });
    await connection.close();
    await expect(messenger.consume('fails')).rejects.toThrow(NotConnectedError);
    await engine.close();
  });
});
