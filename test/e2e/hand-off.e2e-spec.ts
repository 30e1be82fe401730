import { beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, type FixtureApp, useApps } from '../support/index.js';
import { connectionsTo } from '../support/process-table.js';
import { keepBusy, startSupervised } from '../support/supervised-app.js';

const apps = useApps();

/** More than there are workers, so that the blocked one gets its turn. */
const CLIENTS = 9;

describe('round robin: a blocked worker has a connection in hand that it has not acknowledged', () => {
  let app: FixtureApp;
  beforeAll(async () => {
    // So many deaths in a minute are otherwise a crash loop.
    const restart = { minDelay: 10, maxCrashes: 100 };
    app = await startSupervised(apps, { shared: true, cluster: { workers: 3, listen: 'round-robin', restart } });
  });

  it.each([0, 1, 2, 1, 0])('killed with kill -9 in slot %d: another worker answers that client', async (slot) => {
    await app.waitUntilFull();
    const victim = await keepBusy(app, slot);
    const answers: { pid: number }[] = [];
    const clients = Array.from({ length: CLIENTS }, async () => {
      answers.push(await app.process.json('/'));
    });
    await eventually(() => answers.length === CLIENTS - 1, { what: () => `all answers but one: ${answers.length}` });
    process.kill(victim.pid, 'SIGKILL');
    await Promise.all(clients);
    expect(answers).toHaveLength(CLIENTS);
    expect(answers.map(({ pid }) => pid)).not.toContain(victim.pid);
    // What it had begun itself is lost: nobody may run a request twice.
    expect(await victim.outcome).toBe('lost');
    await app.waitForReplacement({ slot, pid: victim.pid });
  });

  it('two at once, killed with kill -9: the third answers both clients', async () => {
    await app.waitUntilFull();
    const victims = [await keepBusy(app, 0), await keepBusy(app, 1)];
    const answers: { pid: number }[] = [];
    const clients = Array.from({ length: CLIENTS }, async () => {
      answers.push(await app.process.json('/'));
    });
    await eventually(() => answers.length === CLIENTS - 2, { what: () => `all answers but two: ${answers.length}` });
    for (const { pid } of victims) process.kill(pid, 'SIGKILL');
    await Promise.all(clients);
    for (const { pid } of victims) expect(answers.map((answer) => answer.pid)).not.toContain(pid);
    await app.waitUntilFull();
  });
});

it('round robin: the only worker is blocked and killed: whoever waited for it is let go, and does not hang', async () => {
  const app = await startSupervised(apps, {
    cluster: { workers: 1, listen: 'round-robin', restart: { minDelay: 10 } },
  });
  const { pid } = await keepBusy(app, 0);
  const clients = Array.from({ length: CLIENTS }, () =>
    app.process.json('/').catch((error: NodeJS.ErrnoException) => error.code),
  );
  // Accepted by the primary; nothing tells of that.
  await eventually(() => connectionsTo(app.process.port) >= CLIENTS, { what: 'the connections' });
  process.kill(pid, 'SIGKILL');
  expect(await Promise.all(clients)).toEqual(clients.map(() => 'ECONNRESET'));
  await app.waitUntilFull();
});
