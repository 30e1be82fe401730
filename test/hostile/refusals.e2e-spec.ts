import { describe, expect, it } from '@jest/globals';
import { FixtureApp, type FixtureOptions, fixture, useApps } from '../support/index.js';

const apps = useApps();

/** Descriptors that the primary may have. */
const DESCRIPTORS = '400';
const launcher = ['bash', '-c', `ulimit -n ${DESCRIPTORS}; exec "$0" "$@"`];

const start = (env: Record<string, string> = {}, cluster: FixtureOptions['cluster'] = {}) =>
  FixtureApp.start(apps, { entry: fixture('hostile/main'), launcher, env, cluster });

describe('a worker that has no descriptor left', () => {
  it('lives on: its clients get their answers when it has some again', async () => {
    const app = await start();
    const before = await app.member(1);
    // Several heartbeats long.
    const answer = app.process.jsonFrom(1, '/hostile/drought?ms=3000', { method: 'POST', timeout: 60_000 });
    expect(await answer).toEqual({ pid: before.pid });
    expect(await app.member(1)).toEqual(before);
    expect(app.process.output.text).not.toMatch(/is replaced/);
  });

  it.each(['round-robin', 'sticky'] as const)(
    'gets connections again when it has some again, and those it could not take go elsewhere or wait (%s)',
    async (listen) => {
      const app = await start({}, { listen });
      const before = await app.members();
      // One in flight for each slot that is asked: with 'sticky', all clients of one address have one worker.
      const { slot } = (await app.process.json('/')) as { slot: number };
      const drought = app.process.jsonFrom(slot, '/hostile/drought?ms=3000', { method: 'POST', timeout: 60_000 });
      await app.process.waitForReport('drought');
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => app.process.json('/slow?ms=500', { timeout: 60_000 })),
      );
      expect(answers).toHaveLength(8);
      expect(await drought).toEqual({ pid: before[slot]!.pid });
      // It would be asked in vain, had node:cluster lost its word.
      expect(await app.identify(slot)).toMatchObject({ slot });
      expect(await app.members()).toEqual(before);
    },
  );
});

describe('a primary that has no descriptor left', () => {
  it('goes on, and fills the slot of a worker that died meanwhile when it has some again', async () => {
    const app = await start();
    const lost = await app.member(1);
    process.kill(app.process.pid, 'SIGURG');
    await app.process.waitForReport('drought');
    const { mark } = app;
    process.kill(lost.pid, 'SIGKILL');
    await app.process.waitForLine(/in slot 1 could not be started: .*EMFILE/, mark);
    await app.process.waitForReport('relief');
    const next = await app.waitForReplacement(lost);
    expect(next.slot).toBe(1);
    process.kill(app.process.pid, 'SIGTERM');
    expect(await app.process.exited).toEqual({ code: 0, signal: null });
  });

  it('stops when it is told to', async () => {
    const app = await start({ DROUGHT: '600000' });
    const lost = await app.member(1);
    process.kill(app.process.pid, 'SIGURG');
    await app.process.waitForReport('drought');
    process.kill(lost.pid, 'SIGKILL');
    await app.process.waitForLine(/in slot 1 could not be started/);
    process.kill(app.process.pid, 'SIGTERM');
    expect(await app.process.exited).toEqual({ code: 0, signal: null });
    expect(app.process.processes).toEqual([]);
  });
});
