import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sample, useApps } from '../support/index.js';

const apps = useApps();

describe('sample 03-self-update', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nestjs-cluster-sample-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('changes its code on disk and reloads under load without losing a request', async () => {
    const env = { WEB_CONCURRENCY: '2', RELEASE_DIR: folder };
    const app = await apps.start({ entry: sample('03-self-update'), env });
    const before = await app.waitUntilReady(2);
    expect(before.map(({ version }) => version)).toEqual(['1', '1']);

    const load = app.load('/', { keepAlive: true });
    await load.answered(50);
    const report = await app.json('/update/2', { method: 'POST' });
    await load.answered(50);
    const { sent, ok, failures } = await load.finish();
    expect({ ok, failures }).toEqual({ ok: sent, failures: {} });
    expect(report.replaced).toHaveLength(2);

    const after = await app.waitUntilReady(2);
    expect(after.map(({ version, greeting }) => ({ version, greeting }))).toEqual([
      { version: '2', greeting: 'Hello world, from release 2' },
      { version: '2', greeting: 'Hello world, from release 2' },
    ]);
    expect(after.map(({ slot }) => slot)).toEqual([0, 1]);
    const old = new Set(before.map(({ pid }) => pid));
    expect(after.filter(({ pid }) => old.has(pid))).toEqual([]);
    expect(await app.stop()).toEqual({ code: 0, signal: null });
  });
});
