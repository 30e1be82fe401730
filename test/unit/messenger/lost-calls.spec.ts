import { describe, expect, it } from '@jest/globals';
import {
  BackpressureError,
  ClusterTimeoutError,
  InvalidArgumentError,
  MapError,
  MemberLostError,
  NoHandlerError,
  NotConnectedError,
  PayloadTooLargeError,
} from '../../../lib/errors/errors.js';
import { isLostCall, LostCalls, type RejectionFacts } from '../../../lib/messenger/lost-calls.js';

const outage = new NotConnectedError("NATS cannot be reached just now, so 'note' was not sent.");

const facts = (more: Partial<RejectionFacts> = {}): RejectionFacts => ({
  reason: outage,
  isOverBroker: true,
  isReady: true,
  isDecidedByUser: false,
  ...more,
});

describe('an unhandled rejection', () => {
  it.each([
    ['no connection', outage],
    ['a full queue', new BackpressureError('full')],
    ['a deadline', new ClusterTimeoutError('late')],
    ['a lost member', new MemberLostError(1, 'gone')],
  ])('is a lost call where the reason is %s', (_, reason) => {
    expect(isLostCall(facts({ reason }))).toBe(true);
  });

  it.each([
    ['a mistake in the arguments', new InvalidArgumentError('no')],
    ['an event without a handler', new NoHandlerError('note', 'any worker')],
    ['a payload that is too large', new PayloadTooLargeError('note', 2, 1)],
    ['failed members', new MapError('note', [{ slot: 0, error: outage }], 1)],
    ['an error of the app', new Error('no connection')],
    ['an error with one of our codes and nothing else of ours', Object.assign(new Error(), { code: outage.code })],
    ['no error', 'no connection'],
    ['nothing', undefined],
  ])('is none where the reason is %s', (_, reason) => {
    expect(isLostCall(facts({ reason }))).toBe(false);
  });

  it.each([
    ['without a broker', { isOverBroker: false }],
    ['before the application is ready', { isReady: false }],
    ['where the option onUnhandledRejection is given', { isDecidedByUser: true }],
  ])('is none %s', (_, more) => {
    expect(isLostCall(facts(more))).toBe(false);
  });

  it('of a lost call is logged at once, then with a count after ten seconds', () => {
    let now = 0;
    const lines: string[] = [];
    const calls = new LostCalls(
      (message) => lines.push(message),
      () => now,
    );
    for (let n = 0; n < 100; n++) expect(calls.take(facts())).toBe(true);
    expect(lines).toEqual([`1 messenger call(s) that nobody awaited failed, the last: ${outage.message}`]);
    now = 10_000;
    expect(calls.take(facts({ reason: new Error('other') }))).toBe(false);
    expect(calls.take(facts())).toBe(true);
    expect(lines.slice(1)).toEqual([`100 messenger call(s) that nobody awaited failed, the last: ${outage.message}`]);
  });
});
