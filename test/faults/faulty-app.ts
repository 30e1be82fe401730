import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { type AppProcess, eventually, fixture, useApps, type WorkerIdentity } from '../support/index.js';

/*
 * The fault matrix: every fault at every phase of a worker's life, in every listen mode, against real processes. One
 * file to a phase. What is expected:
 *
 * | phase | expected |
 * | --- | --- |
 * | boot | nothing ever worked: at most 5 forks, then the primary ends with a code that is not 0; after exit 0 with 0; a flood is no fault: it serves |
 * | ready | the other worker goes on serving; the slot has another worker in the end |
 * | draining | the reload that drains it is done all the same; two workers of the new generation serve |
 * | reload | the first worker of the new build fails: `reload()` rejects, the old workers serve; a flood is no fault |
 * | shutdown | the primary ends with 0 within the deadlines, and nothing is left |
 */

export const FAULTS = [
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

/** Those that end or stop a worker. */
export const FATAL = FAULTS.filter((fault) => fault !== 'IPC flood');

const QUICK = {
  // A machine that stands still takes long to boot a worker.
  startup: { timeout: 40_000 },
  restart: { minDelay: 10, maxDelay: 100 },
  shutdown: { timeout: 2_000, killAfter: 500 },
  reload: { canaryTime: 600 },
  watchdog: { interval: 200, suspectAfter: 1_000, killAfter: 4_000 },
  // Enough for Nest, and little enough to be used up at once.
  fork: { execArgv: ['--max-old-space-size=96'] },
};

export interface Faulty {
  readonly app: AppProcess;
  /** Changes the code on disk. */
  deploy(build: object): void;
}

export interface FaultyApps {
  /** Two workers of `build`. */
  start(listen: string, build?: object, cluster?: object): Promise<Faulty>;
  /** The same, once both are ready. */
  started(listen: string, cluster?: object): Promise<Faulty>;
}

/** Call it at the top of a file: what was started is gone after each test. */
export function useFaultyApps(): FaultyApps {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-cluster-faults-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const apps = useApps();
  let builds = 0;

  async function start(listen: string, build: object = {}, cluster: object = {}): Promise<Faulty> {
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

  async function started(listen: string, cluster: object = {}): Promise<Faulty> {
    const faulty = await start(listen, {}, cluster);
    await faulty.app.waitUntilReady(2);
    return faulty;
  }

  return { start, started };
}

/** Tells the worker that answers to fail, now or once it is `draining`; resolves to which one that is. */
export function inflict(app: AppProcess, fault: string, when = 'now'): Promise<{ pid: number }> {
  return app.json(`/fault/${encodeURIComponent(fault)}?when=${when}`, { method: 'POST' });
}

/** Two workers that are not `victim` serve, one of them in its slot. */
export function healed(app: AppProcess, victim: number): Promise<WorkerIdentity[]> {
  return eventually(
    async () => {
      const workers = await app.waitUntilReady(2);
      return workers.every(({ pid }) => pid !== victim) && workers;
    },
    { what: () => `a worker in place of ${victim}\n--- output\n${app.output.text}` },
  );
}
