import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type AppProcess, eventually, fixture, useApps, type WorkerIdentity } from '../support/index.js';
import { LISTEN_MODES } from '../support/listen-modes.js';

/**
 * Every fault at every phase of a worker's life, against real processes. What is expected:
 *
 * | phase | expected |
 * | --- | --- |
 * | boot | nothing ever worked: at most 5 forks, then the primary ends with a code that is not 0; a flood is no fault: it serves |
 * | ready | the other worker goes on serving; the slot has another worker in the end |
 * | draining | the reload that drains it is done all the same; two workers of the new generation serve |
 * | reload | the first worker of the new build fails: `reload()` rejects, the old workers serve; a flood is no fault |
 * | shutdown | the primary ends with 0 within the deadlines, and nothing is left |
 */
const FAULTS = [
  'throw',
  'reject',
  'exit 0',
  'abort',
  'out of memory',
  'SIGKILL',
  'SIGSTOP',
  'busy loop',
  'IPC flood',
  'closed IPC',
];

const QUICK = {
  // A busy machine takes long to boot a worker; what never is ready takes as long.
  startup: { timeout: 12_000 },
  restart: { minDelay: 10, maxDelay: 100 },
  shutdown: { timeout: 2_000, killAfter: 500 },
  reload: { canaryTime: 600 },
  watchdog: { interval: 200, suspectAfter: 1_000, killAfter: 3_000 },
  // Enough for Nest, and little enough to be used up at once.
  fork: { execArgv: ['--max-old-space-size=96'] },
};

const byNumber = (a: number, b: number): number => a - b;

const folder = mkdtempSync(join(tmpdir(), 'nestjs-cluster-faults-'));
afterAll(() => rmSync(folder, { recursive: true }));
const apps = useApps();

interface Faulty {
  readonly app: AppProcess;
  /** Changes the code on disk. */
  deploy(build: object): void;
}

let builds = 0;

const inflict = (app: AppProcess, fault: string, when = 'now') =>
  app.json(`/fault/${encodeURIComponent(fault)}?when=${when}`, { method: 'POST' }) as Promise<{ pid: number }>;

/** Two workers that are not `victim` serve, one of them in its slot. */
function healed(app: AppProcess, victim: number): Promise<WorkerIdentity[]> {
  return eventually(
    async () => {
      const workers = await app.waitUntilReady(2);
      return workers.every(({ pid }) => pid !== victim) && workers;
    },
    { timeout: 30_000, what: () => `a worker in place of ${victim}\n--- output\n${app.output.text}` },
  );
}

describe.each(LISTEN_MODES)('every fault, listening by %s', (listen) => {
  async function start(build: object = {}, cluster: object = {}): Promise<Faulty> {
    const file = join(folder, `${(builds += 1)}.json`);
    const deploy = (next: object) => writeFileSync(file, JSON.stringify(next));
    deploy(build);
    const app = await apps.start({
      entry: fixture('faults/main'),
      env: { BUILD: file },
      cluster: { ...QUICK, listen, ...cluster },
    });
    return { app, deploy };
  }

  async function started(): Promise<Faulty> {
    const faulty = await start();
    await faulty.app.waitUntilReady(2);
    return faulty;
  }

  describe('at boot', () => {
    it.each([...FAULTS.filter((fault) => fault !== 'IPC flood'), 'never ready'])(
      '%s: a few forks, then the end with a code',
      async (fault) => {
        const { app } = await start({ boot: fault }, { startup: { timeout: 3_000 } });
        const { code } = await app.waitForExit(40_000);
        expect(code).toBeGreaterThan(0);
        expect(app.output.reports('fork').length).toBeLessThanOrEqual(5);
      },
    );

    it('IPC flood: it is served all the same', async () => {
      const { app } = await start({ boot: 'IPC flood' });
      expect(await app.waitUntilReady(2)).toHaveLength(2);
    });
  });

  it.each(FAULTS.filter((fault) => fault !== 'IPC flood'))(
    'ready, then %s: the other serves on, and the slot is filled again',
    async (fault) => {
      const { app } = await started();
      const { pid } = await inflict(app, fault);
      expect(await healed(app, pid)).toHaveLength(2);
    },
  );

  it('ready, then IPC flood: nobody is replaced', async () => {
    const { app } = await started();
    const before = app.workers;
    await inflict(app, 'IPC flood');
    await app.waitUntilReady(2);
    expect(app.workers.sort(byNumber)).toEqual(before.sort(byNumber));
  });

  it.each(FAULTS)('draining, then %s: the reload is done all the same', async (fault) => {
    const { app } = await started();
    const { mark } = app.output;
    const { pid } = await inflict(app, fault, 'draining');
    // Long enough for both workers to be draining with a request in flight.
    const slow = Array.from({ length: 4 }, () => app.json('/slow?ms=6000').catch(() => 'cut'));
    app.kill('SIGHUP');
    await app.waitForLine(/reload to generation 2 done/, mark, 40_000);
    await app.waitForReport('inflicted', () => true, mark);
    await Promise.all(slow);
    await healed(app, pid);
    for (const { generation } of await app.waitUntilReady(2)) expect(generation).toBe(2);
  });

  describe('in a reload', () => {
    it.each([...FAULTS.filter((fault) => fault !== 'IPC flood'), 'never ready'])(
      'the new build fails at boot by %s: reload() rejects, the old workers serve',
      async (fault) => {
        const { app, deploy } = await started();
        const old = app.workers.sort(byNumber);
        const { mark } = app.output;
        deploy({ boot: fault });
        const { error } = await app.json('/reload', { method: 'POST', timeout: 30_000 });
        expect(error).toMatchObject({ code: 'ERR_CLUSTER_RELOAD_FAILED' });
        expect(app.output.reports('fork', mark)).toHaveLength(1);
        const serving = (await app.waitUntilReady(2)).map(({ pid }) => pid);
        expect(serving.sort(byNumber)).toEqual(old);
      },
    );

    it('the new build dies right after it is ready: reload() rejects, the old workers serve', async () => {
      const { app, deploy } = await started();
      const old = app.workers.sort(byNumber);
      deploy({ ready: 'SIGKILL', after: 100 });
      const { error } = await app.json('/reload', { method: 'POST', timeout: 30_000 });
      expect(error.message).toMatch(/SIGKILL \d+ ms after it became ready/);
      const serving = (await app.waitUntilReady(2)).map(({ pid }) => pid);
      expect(serving.sort(byNumber)).toEqual(old);
    });
  });

  it.each(FAULTS)('shutdown, and then %s: the end with 0, and nothing is left', async (fault) => {
    const { app } = await started();
    const slow = Array.from({ length: 4 }, () => app.json('/slow?ms=1000').catch(() => 'cut'));
    await inflict(app, fault, 'draining');
    app.kill('SIGTERM');
    const { code } = await app.waitForExit(20_000);
    expect(code).toBe(0);
    app.assertNothingLeft();
    await app.waitForReport('inflicted');
    await Promise.all(slow);
  });

  it('ready, then dead, for ever: the breaker opens, and few are forked', async () => {
    const { app } = await start(
      { ready: 'SIGKILL', after: 300 },
      { restart: { minDelay: 10, maxDelay: 100, maxCrashes: 5 } },
    );
    await app.waitForLine(/crash loop/, 0, 40_000);
    expect(app.output.reports('fork').length).toBeLessThanOrEqual(8);
  });
});
