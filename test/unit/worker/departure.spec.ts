import { describe, expect, it } from '@jest/globals';
import { type Departing, Departure, type DepartureTerms } from '../../../lib/worker/departure.js';
import { ManualClock } from '../manual-clock.js';

const TERMS: DepartureTerms = { timeout: 10_000, code: 0, idleGrace: 5_000 };

/** A worker that has nothing in flight, and a record of what its leave does in which order. */
function worker(changes: Partial<Departing> = {}) {
  const clock = new ManualClock();
  const did: string[] = [];
  const note = (what: string) => {
    did.push(what);
    return Promise.resolve();
  };
  const departing: Departing = {
    servers: {
      inFlight: 0,
      stopListening: () => void did.push('stop listening'),
      closeIdle: () => {},
      closeAll: () => void did.push('close all'),
      httpConnections: () => Promise.resolve(0),
      closeLongLived: () => Promise.resolve(),
      giveUp: () => note('give up'),
    },
    bus: { drained: Promise.resolve(), close: () => note('close the bus') },
    isReady: true,
    isConnected: true,
    exitCode: undefined,
    drainBacklog: () => note('drain the backlog'),
    resign: () => void did.push('resign'),
    send: ({ type }) => {
      did.push(`say ${type}`);
      if (type === 'barrier') queueMicrotask(() => departure.barrierPassed());
      return true;
    },
    passOn: () => Promise.resolve(true),
    leaveMicroservices: ({ passOn }) => note(passOn ? 'pass messages on' : 'finish messages'),
    handlersDone: () => note('handlers'),
    closeApps: () => note('close the apps'),
    runSignalListeners: () => note('signal listeners'),
    exit: (code) => void did.push(`exit ${code}`),
    ...changes,
  };
  const departure: Departure = new Departure(departing, clock);
  return { clock, did, departure };
}

describe('the departure of a worker', () => {
  it('drains, closes the application, has everything heard, and exits with 0', async () => {
    const { clock, did, departure } = worker();
    void departure.begin(TERMS);
    await clock.pass(5_000);
    expect(did).toEqual([
      'resign',
      'drain the backlog',
      'pass messages on',
      'stop listening',
      'say stopped-listening',
      'say clients-gone',
      'handlers',
      'close the apps',
      'close the bus',
      'say barrier',
      'signal listeners',
      'exit 0',
    ]);
  });

  it('happens once, however often it is asked for', async () => {
    const { clock, did, departure } = worker();
    void departure.begin(TERMS);
    void departure.begin({ ...TERMS, code: 1 });
    await clock.pass(5_000);
    expect(did.filter((one) => one.startsWith('exit'))).toEqual(['exit 0']);
  });

  it('of the last worker finishes its messages: nobody else can', async () => {
    const { clock, did, departure } = worker();
    departure.isLast = true;
    void departure.begin(TERMS);
    await clock.pass(5_000);
    expect(did).toContain('finish messages');
  });

  it('of an orphan, or of a worker that was never ready, tells nobody that its clients are gone', async () => {
    for (const changes of [{ isConnected: false }, { isReady: false }]) {
      const { clock, did, departure } = worker(changes);
      void departure.begin(TERMS);
      await clock.pass(5_000);
      expect(did).not.toContain('say clients-gone');
      expect(did).toContain('exit 0');
    }
  });

  it('ends with the code that the application has chosen', async () => {
    const { clock, did, departure } = worker({ exitCode: 7 });
    void departure.begin(TERMS);
    await clock.pass(5_000);
    expect(did.at(-1)).toBe('exit 7');
  });

  it('after an error gives up what is in flight at its timeout, and ends with 1', async () => {
    const { clock, did, departure } = worker({ handlersDone: () => new Promise(() => {}) });
    void departure.begin({ ...TERMS, timeout: 5_000, code: 1 });
    await clock.pass(4_999);
    expect(did).not.toContain('give up');
    await clock.pass(1);
    expect(did.slice(did.indexOf('give up'))).toEqual([
      'give up',
      'close the apps',
      'close the bus',
      'say barrier',
      'exit 1',
    ]);
  });

  it('gives hooks that hang a second after the deadline', async () => {
    const { clock, did, departure } = worker({ closeApps: () => new Promise(() => {}) });
    void departure.begin(TERMS);
    await clock.pass(5_000);
    departure.endNow();
    await clock.pass(999);
    expect(did).not.toContain('close the bus');
    await clock.pass(1);
    expect(did.at(-1)).toBe('exit 1');
    await departure.appsClosed;
  });

  it('takes a SIGTERM for the primary’s own from half of its time on', async () => {
    const { clock, did, departure } = worker({ handlersDone: () => new Promise(() => {}) });
    void departure.begin(TERMS);
    await clock.pass(4_999);
    departure.endBySignal();
    await clock.pass(0);
    expect(did).not.toContain('give up');
    await clock.pass(1);
    departure.endBySignal();
    await clock.pass(0);
    expect(did).toContain('give up');
  });
});
