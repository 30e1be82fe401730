import { describe, expect, it } from '@jest/globals';
import { ascending } from '../support/ascending.js';
import { LISTEN_MODES } from '../support/listen-modes.js';
import { FATAL, healed, inflict, useFaultyApps } from './faulty-app.js';

const { start, started } = useFaultyApps();

describe.each(LISTEN_MODES)('ready, listening by %s', (listen) => {
  it.each(FATAL)('then %s: the other serves on, and the slot is filled again', async (fault) => {
    const { app } = await started(listen);
    const { pid } = await inflict(app, fault);
    expect(await healed(app, pid)).toHaveLength(2);
  });

  it('then IPC flood: nobody is replaced', async () => {
    const { app } = await started(listen);
    const before = app.workers;
    await inflict(app, 'IPC flood');
    await app.waitUntilReady(2);
    expect(ascending(app.workers)).toEqual(ascending(before));
  });

  it('then dead, for ever: the breaker opens, and few are forked', async () => {
    const { app } = await start(
      listen,
      { ready: 'SIGKILL', after: 300 },
      { restart: { minDelay: 10, maxDelay: 100, maxCrashes: 5 } },
    );
    await app.waitForLine(/crash loop/);
    expect(app.output.reports('fork').length).toBeLessThanOrEqual(8);
  });
});
