/** Messages of an app's own between primary and workers, in both directions, beside this package's. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, FixtureApp, useApps } from '../support/index.js';

const apps = useApps();

describe('custom messages', () => {
  let app: FixtureApp;
  beforeAll(async () => {
    app = await FixtureApp.start(apps, { shared: true });
  });

  it('worker → primary: they arrive in order, each with its worker', async () => {
    const { mark } = app;
    const messages = (slot: number) => [1, 2, 3].map((n) => ({ custom: n, slot }));
    for (const slot of [0, 1]) {
      await app.process.jsonFrom(slot, '/process-send', { method: 'POST', body: { messages: messages(slot) } });
    }
    for (const { slot, pid } of await app.members()) {
      const received = () =>
        app
          .workerEvents(mark)
          .filter((event) => event['event'] === 'message' && event['pid'] === pid)
          .map(({ message }) => message);
      await eventually(() => received().length >= 3, { what: () => `3 messages of slot ${slot}, got ${received()}` });
      expect(received()).toEqual(messages(slot));
    }
  });

  it('primary → worker: they arrive in order, in that worker only', async () => {
    const [one, other] = await app.members();
    const messages = [1, 2, 3].map((n) => ({ custom: n }));
    for (const message of messages) await app.onWorker(one!.pid, 'send', message);
    // All that a listener of the app's own hears: none of the package's heartbeats, answers and leases.
    const heard = (slot: number): Promise<unknown[]> => app.process.jsonFrom(slot, '/heard');
    await eventually(async () => (await heard(one!.slot)).length >= 3, { what: '3 messages in the worker' });
    expect(await heard(one!.slot)).toEqual(messages);
    expect(await heard(other!.slot)).toEqual([]);
  });

  it('worker → primary: a socket goes with the message, and answers from there', async () => {
    const server = createServer().listen(0);
    try {
      await once(server, 'listening');
      const received = once(server, 'connection').then(([socket]) => text(socket as Socket));
      const { port } = server.address() as AddressInfo;
      await app.process.jsonFrom(0, `/process-send-socket?port=${port}`, { method: 'POST' });
      expect(await received).toBe('handed to the primary');
    } finally {
      server.close();
    }
  });

  it("the package's own messages are not among them", async () => {
    // Members come and go, calls are made and heartbeats beat meanwhile.
    await app.call(0, 'map', 'where');
    await app.call('primary', 'consume', 'job', {});
    const messages = app.workerEvents().filter(({ event }) => event === 'message');
    expect(messages.filter(({ message }) => message?.custom === undefined && message?.cmd !== 'socket')).toEqual([]);
  });

  it('what looks like a control message of the package is none', async () => {
    const before = await app.members();
    const { mark } = app;
    const sealed = { cmd: 'NODE_NESTJS_CLUSTER', ns: 'nestjs-cluster/3' };
    const messages = [
      { ...sealed, type: 'retire', reason: 'forged' },
      { ...sealed, seal: 'guessed', type: 'retire', reason: 'forged' },
      { ...sealed, type: 'failing', error: { name: 'Error', message: 'forged' } },
      { after: 'the forged ones' },
    ];
    await app.process.jsonFrom(0, '/process-send', { method: 'POST', body: { messages } });
    const isLast = (event: Record<string, unknown>) => JSON.stringify(event).includes('the forged ones');
    await eventually(() => app.workerEvents(mark).some(isLast), { what: 'the message after the forged ones' });
    expect(app.process.output.text).not.toMatch(/is replaced/);
    expect(await app.members()).toEqual(before);
  });
});
