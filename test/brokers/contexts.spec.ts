/** Whose context handlers run in, where messages come over a broker. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type BrokerServer, describeOver, fixture, lostContexts, NATS, REDIS, useApps } from '../support/index.js';

const apps = useApps();

for (const broker of [NATS, REDIS]) {
  describeOver(broker)(`contexts of callers over ${broker.name}`, () => {
    let server: BrokerServer;
    beforeAll(async () => {
      server = await broker.start();
    });
    afterAll(() => server.destroy());

    it('no handler runs in one, and every caller goes on in its own', async () => {
      const app = await apps.start({ entry: fixture('compat-events/main'), env: broker.env(server) });
      await app.waitUntilReady(2);
      expect(await lostContexts(app, [0, 1])).toEqual([]);
    });
  });
}
