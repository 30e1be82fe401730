import { beforeAll, describe, expect, it } from '@jest/globals';
import { ODD_VALUES, type OddValue } from '../e2e/fixtures/src/hostile/odd-values.js';
import { type ClusterMember, FixtureApp, fixture, useApps } from '../support/index.js';

const apps = useApps();

describe('what handlers throw and return in a worker and in the primary', () => {
  let app: FixtureApp;
  let before: ClusterMember[];

  beforeAll(async () => {
    app = await FixtureApp.start(apps, { entry: fixture('hostile/main'), shared: true });
    before = await app.waitUntilFull();
  });

  const post = (path: string, query: Record<string, string>): Promise<any> =>
    app.process.jsonFrom(0, `/hostile/${path}?${new URLSearchParams(query)}`, { method: 'POST', timeout: 120_000 });

  it.each(Object.keys(ODD_VALUES) as OddValue[])('%s: every call ends, and no process does', async (name) => {
    const thrown = await post('call', { name, way: 'throw' });
    expect(thrown).toEqual({
      send: 'error',
      primary: 'error',
      consume: 'error',
      map: 'error',
      broadcast: 'value',
      'broadcast at once': 'value',
      once: 'error, then value',
      'once, thrown': 'error, then value',
    });
    const returned = await post('call', { name, way: 'return' });
    expect(Object.values(returned)).not.toContainEqual(expect.stringContaining('timeout'));
    expect(await app.members()).toEqual(before);
  });

  it('tells the caller what cannot be read', async () => {
    const told = (name: OddValue, way = 'throw') => post('told', { name, way });
    const unreadable = /^an error that cannot be read: .*refused/;
    expect((await told('an error whose message throws')).message).toMatch(unreadable);
    expect((await told('an error whose code throws')).message).toMatch(unreadable);
    expect((await told('an error whose parts all throw')).message).toMatch(unreadable);
    expect((await told('a proxy that was revoked')).message).toMatch(/^an error that cannot be read: .*revoked/);
    expect(await told('many items and a function', 'return')).toMatchObject({
      code: 'ERR_CLUSTER_PAYLOAD_NOT_CLONEABLE',
      message: expect.stringContaining('a function at [130000]'),
    });
  });
});
