import { describe, expect, it } from '@jest/globals';
import { eventually, sample, useApps } from '../support/index.js';

const apps = useApps();

describe('sample 02-request-counter', () => {
  it('the primary prints the totals of all workers', async () => {
    const app = await apps.start({ entry: sample('02-request-counter'), env: { WEB_CONCURRENCY: '2' } });
    const asked: Record<number, number> = {};
    const ask = async () => {
      const { slot } = (await app.json('/')) as { slot: number };
      asked[slot] = (asked[slot] ?? 0) + 1;
    };
    await eventually(() => ask().then(() => Object.keys(asked).length === 2), { what: 'answers of 2 workers' });
    for (let i = 0; i < 10; i++) await ask();
    const sum = asked[0]! + asked[1]!;
    const totals = await app.waitForLine(new RegExp(`^requests: ${sum} `));
    expect(totals.input).toBe(`requests: ${sum} (slot 0: ${asked[0]}, slot 1: ${asked[1]})`);
    expect(await app.stop()).toEqual({ code: 0, signal: null });
  });
});
