import { describe, expect, it, jest } from '@jest/globals';
import { expectClosedDoor } from '../support/closed-door.js';
import { useApps } from '../support/index.js';
import { LISTEN_MODES } from '../support/listen-modes.js';
import { startSupervised } from '../support/supervised-app.js';

const apps = useApps();

// A machine that gives the primary no time between its last look at the door and the close lets a whole crowd in there.
jest.retryTimes(2, { logErrorsBeforeRetry: true });

// 'shared' is left to node:cluster, which resets whoever comes while the last worker closes.
describe.each(LISTEN_MODES.filter((mode) => mode !== 'shared'))("SIGTERM under load, listen: '%s'", (listen) => {
  it.each([true, false])(
    'who was let in is answered, who comes later is refused (keep-alive: %s)',
    async (keepAlive) => {
      const cluster = { listen, shutdown: { timeout: 60_000 } };
      const { process: app } = await startSupervised(apps, { cluster });
      const load = app.load('/slow?ms=20', { keepAlive, rate: 300 });
      await load.answered(100);
      app.kill('SIGTERM');
      expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
      await expectClosedDoor(load);
      app.assertNothingLeft();
    },
  );
});
