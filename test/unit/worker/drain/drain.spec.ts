import { describe, expect, it } from '@jest/globals';
import { drain, type DrainSubject, IDLE_GRACE, SILENCE_LIMIT } from '../../../../lib/worker/drain/drain.js';
import { ManualClock } from '../../manual-clock.js';

/** Servers with connections that a test opens and closes, and a record of what the drain does with them. */
function draining({ idleGrace = 1_000 } = {}) {
  const clock = new ManualClock();
  const did: string[] = [];
  const state = { inFlight: 0, connections: 0 };
  const note = (what: string) => {
    did.push(what);
    return Promise.resolve();
  };
  const subject: DrainSubject = {
    servers: {
      get inFlight() {
        return state.inFlight;
      },
      httpConnections: () => Promise.resolve(state.connections),
      stopListening: () => void did.push('stop listening'),
      closeIdle: () => {
        if (!did.includes('close idle')) did.push('close idle');
      },
      closeAll: () => {
        did.push('close all');
        state.connections = 0;
      },
      closeLongLived: () => Promise.resolve(),
      giveUp: () => note('give up'),
    },
    drainBacklog: () => note('backlog'),
    closed: () => void did.push('closed'),
    messagesDone: (requestsDone) => requestsDone,
    handlersDone: () => note('handlers'),
    closeApp: () => note('close app'),
    barrier: () => note('barrier'),
  };
  const deadline = new AbortController();
  const outcome: { value?: string } = {};
  void drain(subject, clock, idleGrace, deadline.signal).then((value) => (outcome.value = value));
  return { clock, did, state, deadline, outcome };
}

describe('drain()', () => {
  it('lets the backlog in before it stops listening, and closes the application after the last request', async () => {
    const { clock, did, state, outcome } = draining();
    state.inFlight = state.connections = 1;
    await clock.pass(5_000);
    expect(did).toEqual(['backlog', 'stop listening', 'closed', 'close idle']);
    state.inFlight = state.connections = 0;
    await clock.pass(200);
    expect(did.slice(4)).toEqual(['handlers', 'close app', 'barrier']);
    expect(outcome.value).toBe('drained');
  });

  it('leaves idle connections to their clients for the grace, and then closes them', async () => {
    const { clock, did, state } = draining({ idleGrace: IDLE_GRACE });
    state.connections = 1;
    await clock.pass(IDLE_GRACE - 100);
    expect(did).not.toContain('close idle');
    await clock.pass(300);
    expect(did).toContain('close idle');
  });

  it('closes connections that were never used once nothing has happened for a while', async () => {
    const { clock, did, state, outcome } = draining({ idleGrace: 0 });
    state.connections = 3;
    await clock.pass(SILENCE_LIMIT - 200);
    expect(did).not.toContain('close all');
    await clock.pass(500);
    expect(did).toContain('close all');
    expect(outcome.value).toBe('drained');
  });

  it('waits on for a request, however long it takes', async () => {
    const { clock, did, state, outcome } = draining({ idleGrace: 0 });
    state.inFlight = state.connections = 1;
    await clock.pass(60_000);
    expect(did).not.toContain('close all');
    expect(outcome.value).toBeUndefined();
  });

  it('gives up at the deadline, and closes the application all the same', async () => {
    const { clock, did, state, deadline, outcome } = draining();
    state.inFlight = state.connections = 1;
    await clock.pass(3_000);
    deadline.abort();
    await clock.pass(100);
    expect(did.slice(did.indexOf('give up'))).toEqual(['give up', 'close app', 'barrier']);
    expect(outcome.value).toBe('timed-out');
  });
});
