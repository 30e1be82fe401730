import { describe, expect, it } from '@jest/globals';
import { LISTEN_MODES } from '../support/listen-modes.js';
import { FATAL, useFaultyApps } from './faulty-app.js';

const { start } = useFaultyApps();

describe.each(LISTEN_MODES)('at boot, listening by %s', (listen) => {
  it.each([...FATAL.filter((fault) => fault !== 'exit 0'), 'never ready'])(
    '%s: a few forks, then the end with a code',
    async (fault) => {
      const { app } = await start(listen, { boot: fault }, { startup: { timeout: 3_000 } });
      const { code } = await app.waitForExit();
      expect(code).toBeGreaterThan(0);
      expect(app.output.reports('fork').length).toBeLessThanOrEqual(5);
    },
  );

  it('exit 0, in every worker: no fault but a script that ran to its end, and the cluster ends with 0', async () => {
    const { app } = await start(listen, { boot: 'exit 0' });
    expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
    expect(app.output.reports('fork')).toHaveLength(2);
  });

  it('IPC flood: it is served all the same', async () => {
    const { app } = await start(listen, { boot: 'IPC flood' });
    expect(await app.waitUntilReady(2)).toHaveLength(2);
  });
});
