import { beforeEach, describe, expect, it } from '@jest/globals';
import { MicroserviceOpening, type OpeningServer } from '../../../../lib/worker/drain/microservice-opening.js';
import { ManualClock, settled } from '../../manual-clock.js';

describe('a microservice server', () => {
  let clock: ManualClock;
  let states: string[];
  let answers: unknown[][];

  beforeEach(() => {
    clock = new ManualClock();
    states = [];
    answers = [];
  });

  /** A server whose listen() does that. */
  function watched(listen: OpeningServer['listen'], transportId?: number): OpeningServer & { open(): unknown } {
    const server = { transportId, listen, close: () => {}, open: () => server.listen((...args) => answers.push(args)) };
    const changed = (): void => void states.push(opening.state);
    const opening: MicroserviceOpening = new MicroserviceOpening(server, clock, () => Promise.resolve(), changed);
    return server;
  }

  it('is awaited from the call of listen() on, and open when it has called back', async () => {
    let callBack: (...args: unknown[]) => void = () => {};
    const server = watched((callback) => (callBack = callback), 0);
    server.open();
    await clock.pass(60_000);
    expect(states).toEqual(['awaited']);
    callBack(undefined, 'where');
    await settled();
    expect(states).toEqual(['awaited', 'open']);
    expect(answers).toEqual([[undefined, 'where']]);
  });

  it('is refused when it calls back with an error, and open when a later call does without', async () => {
    const errors = [new Error('in use'), undefined];
    const server = watched((callback) => callback(errors.shift()), 0);
    server.open();
    await settled();
    expect(states).toEqual(['awaited', 'refused']);
    server.open();
    await settled();
    expect(states.slice(2)).toEqual(['awaited', 'open']);
  });

  it('is refused when listen() throws, or rejects; its caller hears of it', async () => {
    const failure = new Error('no such package');
    const throws = watched(() => {
      throw failure;
    });
    expect(() => throws.open()).toThrow(failure);
    const rejects = watched(() => Promise.reject(failure));
    await expect(rejects.open()).rejects.toBe(failure);
    expect(states).toEqual(['awaited', 'refused', 'awaited', 'refused']);
  });

  it('that is open stays so when it calls back with an error of its connection', async () => {
    let callBack: (...args: unknown[]) => void = () => {};
    watched((callback) => (callBack = callback), 0).open();
    callBack();
    await settled();
    callBack(new Error('connection lost'));
    expect(states).toEqual(['awaited', 'open']);
  });

  it('of a custom strategy is taken for open after 5 s, unless it was refused or closed', async () => {
    watched(() => {}).open();
    watched((callback) => callback(new Error('no'))).open();
    const closed = watched(() => {});
    closed.open();
    closed.close();
    await clock.pass(4_999);
    expect(states).toEqual(['awaited', 'awaited', 'refused', 'awaited', 'closed']);
    await clock.pass(1);
    expect(states.slice(5)).toEqual(['open']);
  });
});
