import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { eventually, fixture, type FixtureApp, useApps } from '../support/index.js';
import { giveChild, keepWaiting, startSupervised } from '../support/supervised-app.js';

const apps = useApps();

/** Node becomes pid 1 of a pid namespace, as in a container without an init. */
const launcher = ['unshare', '--fork', '--pid', '--mount-proc', '--kill-child'];
const permitted = spawnSync(launcher[0]!, [...launcher.slice(1), 'true']).status === 0;
// oxlint-disable-next-line jest/no-disabled-tests -- containers without CAP_SYS_ADMIN permit no namespaces
const describeWhere = permitted ? describe : describe.skip;
if (!permitted) process.stderr.write('SKIPPED as pid 1: `unshare --pid` is not permitted here; run it as root.\n');

/** The signal goes to node itself: `unshare` is its parent, outside of the namespace. */
function signal(app: { readonly workers: number[] }, name: NodeJS.Signals): void {
  const [primary] = app.workers;
  process.kill(primary!, name);
}

/** State of a process by its pid in the namespace: 'Z' for one that has ended and that nobody has reaped. */
function stateInside({ process: app }: FixtureApp, pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${app.workers[0]}/root/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).charAt(0);
  } catch {
    return undefined;
  }
}

describeWhere('as pid 1 (where `unshare --pid` is permitted)', () => {
  it('serves; SIGTERM lets what is in flight finish and ends it with 0', async () => {
    const app = await startSupervised(apps, { launcher });
    expect(await app.primary('/identify')).toMatchObject({ pid: 1, role: 'primary' });
    const slow = [await keepWaiting(app, 0, 800), await keepWaiting(app, 1, 800)];
    signal(app.process, 'SIGTERM');
    expect(await Promise.all(slow.map(({ outcome }) => outcome))).toEqual(['answered', 'answered']);
    expect(await app.process.waitForExit()).toEqual({ code: 0, signal: null });
    app.process.assertNothingLeft();
  });

  it('SIGTERM while its workers boot ends it with 0', async () => {
    // Nobody gives up waiting: the workers hear of it although they did not yet listen when they were told.
    const cluster = { shutdown: { timeout: 60_000 } };
    const app = await apps.start({ entry: fixture('supervised/main'), launcher, cluster });
    await app.waitForReport('worker-event', ({ event }) => event === 'fork');
    signal(app, 'SIGTERM');
    expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
    expect(app.output.reports('ready').flatMap(({ pids }) => pids as number[])).toEqual([]);
    app.assertNothingLeft();
  });

  it('kill -9 of a worker: it is replaced, and its children, orphans of pid 1 by then, are killed', async () => {
    const app = await startSupervised(apps, { launcher });
    const child = await giveChild(app, 1);
    expect(stateInside(app, child)).toMatch(/[SRD]/);
    const { pid } = await app.member(1);
    await app.onWorker(pid, 'kill', 'SIGKILL');
    await app.waitForReplacement({ slot: 1, pid });
    // Node reaps only children that it has started itself: the zombie is left until pid 1 ends.
    await eventually(() => [undefined, 'Z'].includes(stateInside(app, child)), { what: `the end of ${child}` });
    signal(app.process, 'SIGTERM');
    expect(await app.process.waitForExit()).toEqual({ code: 0, signal: null });
    app.process.assertNothingLeft();
  });
});
