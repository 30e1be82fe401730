import { beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, FixtureApp, useApps, type WorkerIdentity } from '../support/index.js';

const apps = useApps();

describe('ClusterService', () => {
  let app: FixtureApp;
  beforeAll(async () => {
    app = await FixtureApp.start(apps, { shared: true });
  });

  const identifyAll = async (): Promise<WorkerIdentity[]> => {
    const members = await app.members();
    return Promise.all(members.map(({ slot }) => app.identify(slot)));
  };

  it('tells the same members everywhere', async () => {
    const members = await app.waitUntilFull();
    expect(members).toMatchObject([
      { slot: 0, suspect: false },
      { slot: 1, suspect: false },
    ]);
    const workers = await identifyAll();
    expect(workers.map(({ slot, pid, generation }) => ({ slot, pid, generation }))).toEqual(
      members.map(({ slot, pid, generation }) => ({ slot, pid, generation })),
    );
  });

  it('exactly one worker leads; when it is killed, one leads again', async () => {
    const leaders = async () => (await identifyAll()).filter(({ isLeader }) => isLeader);
    const one = async () => {
      const [leader, ...others] = await leaders();
      expect(others).toEqual([]);
      return leader;
    };
    const first = await eventually(one, { what: 'a leader' });
    process.kill(first.pid, 'SIGKILL');
    await app.waitForReplacement(first);
    const next = await eventually(one, { what: 'another leader' });
    expect(next.pid).not.toBe(first.pid);
  });

  it('scale(n), called in the primary, adds workers; called in a worker, it takes them away', async () => {
    await app.waitUntilFull();
    await app.primary('/scale', { workers: 3 });
    const three = await app.waitUntilFull(3);
    expect(three.map(({ slot }) => slot)).toEqual([0, 1, 2]);
    expect((await app.call(0, 'map', 'where')).value).toHaveLength(3);

    const { mark } = app;
    const scaled = await app.process.jsonFrom(0, '/scale/2', { method: 'POST' });
    expect(scaled).not.toHaveProperty('error');
    expect((await app.waitUntilFull(2)).map(({ pid }) => pid)).toEqual(three.slice(0, 2).map(({ pid }) => pid));
    expect(await app.waitForWorkerEvent('exit', three[2]!.pid, mark)).toMatchObject({ code: 0, signal: null });
  });

  it.each([-1, 1.5, 'many'])('scale(%j) is refused, and nothing changes', async (workers) => {
    const before = await app.waitUntilFull();
    await expect(app.primary('/scale', { workers })).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_CLUSTER_/),
    });
    expect(await app.members()).toEqual(before);
  });
});
