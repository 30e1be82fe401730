/* oxlint-disable jest/no-standalone-expect, jest/expect-expect -- the helpers below expect */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { throwError } from 'rxjs';
import { ODD_VALUES, type OddValue } from '../../e2e/fixtures/src/hostile/odd-values.js';
import { anyValue } from '../../support/any-value.js';
import { fc } from '../../support/fast-check.js';
import { InProcessCluster, type Peer } from './in-process-cluster.js';

/** How a handler may come to its end. */
const WAYS = {
  throws: (value: unknown) => {
    throw value;
  },
  returns: (value: unknown) => value,
  'throws later': async (value: unknown) => {
    await Promise.resolve();
    throw value;
  },
  'returns later': async (value: unknown) => {
    await Promise.resolve();
    return value;
  },
  'fails as an Observable': (value: unknown) => throwError(() => value),
} satisfies Record<string, (value: unknown) => unknown>;

type Way = keyof typeof WAYS;

const WORKERS = 2;

/** Large values take a slow machine a while, in ms. */
const PATIENCE = 120_000;

let cluster: InProcessCluster;
let workers: Peer[];
/** What the handlers do now. */
let act: () => unknown;
let key = 0;
const logged = jest.spyOn(Logger.prototype, 'error');

const everyone = () => [cluster.primary, ...workers];

beforeAll(async () => {
  ({ cluster, workers } = await InProcessCluster.of(WORKERS));
  for (const { messenger } of everyone()) messenger.on('act', () => act());
});
beforeEach(() => void logged.mockReset().mockImplementation(() => undefined));
afterEach(async () => {
  for (const { dispatcher } of everyone()) expect(dispatcher.inFlight).toBe(0);
});
afterAll(() => cluster.hub.close());

/** How a call ended: one that only its deadline ends was not answered. */
async function outcomeOf(call: Promise<unknown>): Promise<'value' | 'error'> {
  try {
    await call;
    return 'value';
  } catch (error) {
    // Whatever a caller does with an error first.
    expect(typeof (error as Error).message).toBe('string');
    expect(typeof (error as Error).name).toBe('string');
    expect((error as { code?: unknown }).code).not.toBe('ERR_CLUSTER_TIMEOUT');
    return 'error';
  }
}

/** Every call there is, each of which has to end. */
async function callAll(way: Way, make: () => unknown): Promise<void> {
  act = () => WAYS[way](make());
  logged.mockClear();
  const [one, other] = workers as [Peer, Peer];
  const options = { timeout: 20_000 };
  const outcomes = await Promise.all([
    outcomeOf(one.messenger.send(1, 'act', undefined, options)),
    outcomeOf(one.messenger.send('primary', 'act', undefined, options)),
    outcomeOf(one.messenger.consume('act', undefined, options)),
    outcomeOf(one.messenger.map('act', undefined, options)),
  ]);
  if (way !== 'returns' && way !== 'returns later') expect(new Set(outcomes)).toEqual(new Set(['error']));

  const settled = await one.messenger.mapSettled('act', undefined, options);
  expect(settled).toHaveLength(WORKERS);

  // The one that runs it gets what was thrown, as it is; the one that waits hears of its end.
  const name = `once ${++key}`;
  const running = one.messenger.runOnce(name, () => act() as Promise<unknown>, options).then(ended, ended);
  const waiting = outcomeOf(other.messenger.runOnce(name, () => 'again', options));
  await Promise.all([running, waiting]);

  logged.mockClear();
  await one.messenger.broadcast('act', undefined);
  await Promise.all(everyone().map(({ dispatcher }) => dispatcher.idle()));
  await cluster.primary.messenger.mapSettled('act', undefined, options);
  await Promise.all(everyone().map(({ dispatcher }) => dispatcher.idle()));
  if (way !== 'returns' && way !== 'returns later') expect(logged).toHaveBeenCalledTimes(WORKERS + 1);
}

const ended = () => undefined;

describe('a handler that throws or returns what cannot be read', () => {
  it.each(Object.keys(ODD_VALUES) as OddValue[])(
    '%s: each call has one outcome',
    async (name) => {
      for (const way of ['throws', 'returns', 'throws later'] as const) await callAll(way, ODD_VALUES[name]);
    },
    PATIENCE,
  );

  it(
    'any value at all: each call has one outcome',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...(Object.keys(WAYS) as Way[])), anyValue(), (way, make) =>
          callAll(way, make),
        ),
        { numRuns: 40 },
      );
    },
    PATIENCE,
  );
});
