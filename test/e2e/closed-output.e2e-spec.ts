import { describe, expect, it } from '@jest/globals';
import { FixtureApp, useApps } from '../support/index.js';

const apps = useApps();

describe('an app whose output nobody reads any more', () => {
  it('serves on with the same workers, reloads and stops as ever', async () => {
    const app = await FixtureApp.start(apps);
    const before = await app.members();
    app.process.closeOutput();
    // Each worker writes a line per request; the primary logs what is asked of it.
    for (const { slot } of before) await app.process.jsonFrom(slot, '/flush?token=unread');
    await app.primary('/scale', { workers: 3 });
    await app.primary('/scale', { workers: 2 });
    await app.waitUntilFull();
    expect((await app.members()).map(({ pid }) => pid)).toEqual(before.map(({ pid }) => pid));
    app.process.kill('SIGHUP');
    await app.waitUntilReplaced(before);
    expect(await app.process.stop()).toEqual({ code: 0, signal: null });
  });
});
