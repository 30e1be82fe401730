import { describe, expect, it } from '@jest/globals';
import { type BootState, LISTEN_GRACE, MISSING_SERVER_GRACE, readiness } from '../../../lib/worker/readiness.js';

const BOOTED: BootState = {
  hasBooted: true,
  isHttp: true,
  isHybrid: false,
  isListenPending: false,
  servers: 1,
  serversBefore: undefined,
  changedAt: 1_000,
};

const isReady = (state: Partial<BootState>, now = 1_000) => readiness({ ...BOOTED, ...state }, now).isReady;

describe('a worker is ready', () => {
  it('when its application has booted and its server listens', () => {
    expect(isReady({})).toBe(true);
  });

  it('at once without a server, where no HTTP application is there', () => {
    expect(isReady({ isHttp: false, servers: 0 })).toBe(true);
  });

  it('some time after its boot, where an HTTP application never listens', () => {
    expect(readiness({ ...BOOTED, servers: 0 }, 1_000)).toMatchObject({ isReady: false, at: 1_000 + LISTEN_GRACE });
    expect(isReady({ servers: 0 }, 1_000 + LISTEN_GRACE)).toBe(true);
  });

  it('at once without a server, in the place of a worker that was ready without one', () => {
    expect(isReady({ servers: 0, serversBefore: 0 })).toBe(true);
  });

  it('some time after the microservices of a hybrid are open, where it does not boot', () => {
    const state = { hasBooted: false, isHttp: false, isHybrid: true };
    expect(readiness({ ...BOOTED, ...state }, 1_000)).toMatchObject({ isReady: false, at: 1_000 + LISTEN_GRACE });
    expect(isReady(state, 1_000 + LISTEN_GRACE)).toBe(true);
    expect(isReady({ ...state, isListenPending: true }, 1e9)).toBe(false);
  });

  it('with fewer servers than the worker before it had, after a longer time', () => {
    const state = { servers: 1, serversBefore: 2 };
    expect(readiness({ ...BOOTED, ...state }, 1_000)).toMatchObject({ at: 1_000 + MISSING_SERVER_GRACE });
    expect(isReady(state, 1_000 + MISSING_SERVER_GRACE)).toBe(true);
    expect(isReady({ servers: 2, serversBefore: 2 })).toBe(true);
  });
});

describe('a worker is not ready, however long it takes', () => {
  it.each<[string, Partial<BootState>]>([
    ['while no application has booted', { hasBooted: false }],
    ['while a server that was asked to listen does not', { isListenPending: true }],
    ['without a server, in the place of a worker that had one', { servers: 0, serversBefore: 1, isHttp: false }],
  ])('%s', (_, state) => {
    expect(readiness({ ...BOOTED, ...state }, 1e9)).toMatchObject({ isReady: false, at: Infinity });
  });
});
