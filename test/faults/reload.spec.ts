import { describe, expect, it } from '@jest/globals';
import { ascending } from '../support/ascending.js';
import { LISTEN_MODES } from '../support/listen-modes.js';
import { FATAL, useFaultyApps } from './faulty-app.js';

const { started } = useFaultyApps();

/** What never is ready takes as long. */
const cluster = { startup: { timeout: 10_000 } };

describe.each(LISTEN_MODES)('in a reload, listening by %s', (listen) => {
  it.each([...FATAL, 'never ready'])(
    'the new build fails at boot by %s: reload() rejects, the old workers serve',
    async (fault) => {
      const { app, deploy } = await started(listen, cluster);
      const old = ascending(app.workers);
      const { mark } = app.output;
      deploy({ boot: fault });
      const { error } = await app.json('/reload', { method: 'POST' });
      expect(error).toMatchObject({ code: 'ERR_CLUSTER_RELOAD_FAILED' });
      expect(app.output.reports('fork', mark)).toHaveLength(1);
      const serving = (await app.waitUntilReady(2)).map(({ pid }) => pid);
      expect(ascending(serving)).toEqual(old);
    },
  );

  it('the new build dies right after it is ready: reload() rejects, the old workers serve', async () => {
    const { app, deploy } = await started(listen, cluster);
    const old = ascending(app.workers);
    deploy({ ready: 'SIGKILL', after: 100 });
    const { error } = await app.json('/reload', { method: 'POST' });
    expect(error.message).toMatch(/SIGKILL \d+ ms after it became ready/);
    const serving = (await app.waitUntilReady(2)).map(({ pid }) => pid);
    expect(ascending(serving)).toEqual(old);
  });
});
