import { describe, expect, it } from '@jest/globals';
import { eventually, FixtureApp, fixture, useApps } from '../support/index.js';

const apps = useApps();

const start = () => FixtureApp.start(apps, { entry: fixture('hostile/main') });

describe('listeners with names of their own', () => {
  it.each([
    [30_000, 40],
    [1_500, 1_000],
  ])('%i of %i characters: their worker stays in the cluster and is asked by the others', async (count, length) => {
    const app = await start();
    const before = await app.waitUntilFull();
    const query = `count=${count}&length=${length}`;
    await app.process.jsonFrom(0, `/hostile/listen?${query}`, { method: 'POST', timeout: 60_000 });
    const answer = await app.process.jsonFrom(1, `/hostile/ask?${query}`, { method: 'POST', timeout: 60_000 });
    expect(answer).toBe(count - 1);
    expect(await app.members()).toEqual(before);
  });
});

describe('a worker whose link to the bus is gone', () => {
  it('leads no more, and is replaced', async () => {
    const app = await start();
    const leads = async () => {
      const all = await Promise.all([0, 1].map((slot) => app.identify(slot)));
      return all.find(({ isLeader }) => isLeader);
    };
    const leader = await eventually(leads, { what: 'a leader' });
    const { mark } = app;
    await app.process.jsonFrom(leader.slot, '/hostile/cut', { method: 'POST' });
    await app.process.waitForLine(/lost its link to the bus \(.*\) and is replaced/, mark);
    await app.waitForReplacement(leader);
    const next = await eventually(leads, { what: 'another leader' });
    expect(next.pid).not.toBe(leader.pid);
    process.kill(app.process.pid, 'SIGTERM');
    expect(await app.process.exited).toEqual({ code: 0, signal: null });
  });
});
