/** One app listens in every form that Node has; what it sees in a worker is what it sees as a single process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net, { type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, fixture, freePort, NODE, selfSigned, useApps } from '../support/index.js';
import { LISTEN_MODES } from '../support/listen-modes.js';

/** Where a worker cannot see what a single process sees, what it sees instead, and why. */
const INHERENT: readonly { form: string; mode?: string; saw: unknown; why: string }[] = [
  {
    form: 'closed before it listens',
    saw: { failed: true, listening: false, answer: 'ECONNREFUSED' },
    why: 'A worker asks its primary for the socket. Until the answer the server does not listen, and close() says so.',
  },
  {
    form: 'maxConnections',
    mode: 'round-robin',
    saw: 'waits',
    why: 'node:cluster offers a connection to the next worker that has room, and there is none.',
  },
];

/** What an app must find where several of its workers look for a free port at once. */
const SEARCHES = [
  'a port that is looked for, then used by a child',
  'a port that is looked for, then used by a child; without unref',
  'a port that is looked for, then used by the app',
];

type Table = Record<string, unknown>;

const apps = useApps();
const certificate = selfSigned();
const folder = mkdtempSync(join(tmpdir(), 'forms-'));
const holders: Server[] = [];
let env: Record<string, string>;
let single: Table;

async function hold(where: number | string): Promise<Server> {
  const server = net.createServer().listen(where);
  holders.push(server);
  await once(server, 'listening');
  return server;
}

/** A killed process leaves its Unix path behind. */
async function leaveStale(): Promise<void> {
  const listen = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(NODE, ['-e', listen, join(folder, 'stale.sock')], { stdio: 'ignore' }), 'exit');
}

/** What each process of the app saw, by form. */
async function tables(count: number, more: Record<string, string>, cluster: object = {}): Promise<Table[]> {
  await leaveStale();
  const app = await apps.start({ entry: fixture('listening-forms/main'), env: { ...env, ...more }, cluster });
  await eventually(() => app.output.reports('serves').length === count, {
    what: () => `${count} × serves\n--- output\n${app.output.text}`,
  });
  const byPid = new Map<unknown, Table>();
  for (const { pid, name, saw } of app.output.reports('form')) {
    byPid.set(pid, { ...byPid.get(pid), [String(name)]: saw });
  }
  await app.stop();
  return [...byPid.values()];
}

beforeAll(async () => {
  const [port, other] = [await freePort(), await freePort()];
  const taken = (await hold(0)).address() as AddressInfo;
  await hold(join(folder, 'taken.sock'));
  env = {
    TLS_KEY: certificate.key,
    TLS_CERT: certificate.cert,
    PLACES: JSON.stringify({ port, other, taken: taken.port, folder }),
  };
  [single] = (await tables(1, { CONTROL: '1' })) as [Table];
});
afterAll(() => {
  for (const holder of holders) holder.close();
  certificate.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(LISTEN_MODES)("listen: '%s'", (mode) => {
  it('each form answers in a worker as in a single process, but for what is named with its reason', async () => {
    const [saw] = await tables(1, {}, { workers: 1, listen: mode });
    const exceptions = INHERENT.filter((one) => one.mode === undefined || one.mode === mode);
    const expected = { ...single, ...Object.fromEntries(exceptions.map((one) => [one.form, one.saw])) };
    expect(Object.keys(single).length).toBeGreaterThan(40);
    expect(saw).toEqual(expected);
  });

  it('a port that is looked for is free for a child of the worker, where two workers look at once', async () => {
    const expected = Object.fromEntries(SEARCHES.map((form) => [form, single[form]]));
    const seen = await tables(2, { FORMS: SEARCHES.join('|') }, { workers: 2, listen: mode });
    expect(seen).toEqual([expected, expected]);
  });
});
