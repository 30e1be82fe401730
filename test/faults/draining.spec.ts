import { describe, expect, it } from '@jest/globals';
import { LISTEN_MODES } from '../support/listen-modes.js';
import { FAULTS, healed, inflict, useFaultyApps } from './faulty-app.js';

const { started } = useFaultyApps();

describe.each(LISTEN_MODES)('draining, listening by %s', (listen) => {
  it.each(FAULTS)('then %s: the reload is done all the same', async (fault) => {
    const { app } = await started(listen);
    const { mark } = app.output;
    const { pid } = await inflict(app, fault, 'draining');
    // Long enough for both workers to be draining with a request in flight.
    const slow = Array.from({ length: 4 }, () => app.json('/slow?ms=6000').catch(() => 'cut'));
    app.kill('SIGHUP');
    await app.waitForLine(/reload to generation 2 done/, mark);
    await app.waitForReport('inflicted', () => true, mark);
    await Promise.all(slow);
    await healed(app, pid);
    for (const { generation } of await app.waitUntilReady(2)) expect(generation).toBe(2);
  });
});
