import { describe, expect, it } from '@jest/globals';
import { LISTEN_MODES } from '../support/listen-modes.js';
import { FAULTS, inflict, useFaultyApps } from './faulty-app.js';

const { started } = useFaultyApps();

describe.each(LISTEN_MODES)('shutdown, listening by %s', (listen) => {
  it.each(FAULTS)('and then %s: the end with 0, and nothing is left', async (fault) => {
    const { app } = await started(listen);
    const slow = Array.from({ length: 4 }, () => app.json('/slow?ms=1000').catch(() => 'cut'));
    await inflict(app, fault, 'draining');
    app.kill('SIGTERM');
    const { code } = await app.waitForExit(20_000);
    expect(code).toBe(0);
    app.assertNothingLeft();
    await app.waitForReport('inflicted');
    await Promise.all(slow);
  });
});
