import { afterEach, describe, expect, it } from '@jest/globals';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AppOptions, type AppProcess, eventually, fixture, StuckReader, useApps } from '../support/index.js';

const apps = useApps();
const start = (options: Omit<AppOptions, 'entry'> = {}): Promise<AppProcess> =>
  apps.start({ entry: fixture('compat-output/main'), ...options });

const readers: StuckReader[] = [];
function stuckReader(): StuckReader {
  const reader = new StuckReader();
  readers.push(reader);
  return reader;
}
afterEach(() => {
  for (const reader of readers.splice(0)) reader.close();
});

const write = (app: AppProcess, slot: number, query: string, path = '/write') =>
  app.jsonFrom(slot, `${path}?${query}`, { method: 'POST' }) as Promise<{ pid: number }>;

/** Lines that a worker wrote: its letter over and over. Throws at one in which two are mixed. */
function written(text: string, length: number): Record<string, number[]> {
  const found: Record<string, number[]> = { a: [], b: [] };
  for (const line of text.split('\n')) {
    if (!line.includes('<')) continue;
    const [, number, letters] = /^<(\d+) (a+|b+)>$/.exec(line) ?? [];
    if (letters?.length !== length) throw new Error(`a line that nobody wrote: ${line.slice(0, 200)}…`);
    found[letters[0]!]!.push(Number(number));
  }
  return found;
}

/** Resolves once both, or the first, have as many lines in what `text` gives. */
async function allWritten(text: () => string, length: number, count: number, letters = ['a', 'b']) {
  const lines = () => written(text().slice(0, text().lastIndexOf('\n')), length);
  await eventually(() => letters.every((letter) => lines()[letter]!.length === count), {
    what: () => `${count} lines; there are ${lines()['a']!.length} and ${lines()['b']!.length}`,
  });
  return letters.map((letter) => lines()[letter]!);
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('lines of two workers into one pipe', () => {
  it.each([
    ['longer than the kernel keeps together', 'lines=300&length=20000'],
    ['written in parts', 'lines=400&length=1500&parts=3'],
    ['written to the descriptor, as pino does', 'lines=300&length=9000&by=fd'],
  ])('%s: none is mixed with another, cut or out of order', async (_, query) => {
    const reader = stuckReader();
    const app = await start({ stdout: reader.fd });
    await app.waitUntilReady(2);
    await write(app, 0, query);
    await write(app, 1, query);
    reader.read();
    const wanted = new URLSearchParams(query);
    const [count, length] = [Number(wanted.get('lines')), Number(wanted.get('length'))];
    expect(await allWritten(() => reader.text, length, count)).toEqual([upTo(count), upTo(count)]);
  });

  it.each(['process.exit', 'kill -9'])('what a worker wrote before %s is there to the last byte', async (how) => {
    const reader = stuckReader();
    const app = await start({ stdout: reader.fd });
    await app.waitUntilReady(2);
    const signal = how === 'kill -9' ? '&by_signal=1' : '';
    reader.read(16_384, 5);
    // Killed, it has no time to write what does not fit into a pipe.
    const count = how === 'kill -9' ? 10 : 300;
    await write(app, 0, `lines=${count}&length=5000${signal}`, '/write-and-end');
    expect(await allWritten(() => reader.text, 5_000, count, ['a'])).toEqual([upTo(count)]);
  });

  it('what the workers write while the cluster stops is there when it has ended, read slowly as it may be', async () => {
    const reader = stuckReader();
    const app = await start({ stdout: reader.fd });
    await app.waitUntilReady(2);
    reader.read(16_384, 20);
    await write(app, 0, 'lines=60&length=10000');
    await write(app, 1, 'lines=60&length=10000');
    app.kill('SIGTERM');
    expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
    expect(await allWritten(() => reader.text, 10_000, 60)).toEqual([upTo(60), upTo(60)]);
  });
});

describe('a reader that stands still', () => {
  it.each(['stdout', 'stderr'] as const)('of %s stops the worker that writes, and nobody else', async (stream) => {
    const reader = stuckReader();
    const app = await start({
      [stream]: reader.fd,
      cluster: { watchdog: { interval: 200, suspectAfter: 1_000, killAfter: 60_000 } },
    });
    const [writer, other] = await app.waitUntilReady(2);
    await write(app, 0, `stream=${stream}&lines=150&length=100000`);
    // It waits: it is taken for unresponsive, and the other one serves alone.
    let alone = 0;
    await eventually(
      async () => {
        const answer = (await app.json('/', { timeout: 1_000 }).catch(() => undefined)) as { pid: number } | undefined;
        alone = answer?.pid === other!.pid ? alone + 1 : 0;
        return alone === 10;
      },
      { what: () => `answers of ${other!.pid} alone` },
    );
    expect(residentMiB(app.pid)).toBeLessThan(200);
    expect(residentMiB(writer!.pid)).toBeLessThan(250);
    // The primary does what it is asked to, and says so to nobody.
    app.kill('SIGTTIN');
    await eventually(() => app.workers.length === 3, { what: () => 'a third worker' });
    reader.read();
    await allWritten(() => reader.text, 100_000, 150, ['a']);
    await eventually(() => app.json('/').then(({ pid }) => pid === writer!.pid), { what: () => 'the writer to serve' });
    expect(await app.stop()).toEqual({ code: 0, signal: null });
  });

  it('does not keep the cluster from its end', async () => {
    const reader = stuckReader();
    const app = await start({ stdout: reader.fd, cluster: { shutdown: { timeout: 1_000, killAfter: 500 } } });
    await app.waitUntilReady(2);
    await write(app, 0, 'lines=150&length=100000');
    expect(await app.stop()).toMatchObject({ signal: null });
  });
});

describe('where output goes', () => {
  it('a worker may open /dev/stdout', async () => {
    const reader = stuckReader();
    reader.read();
    const app = await start({ stdout: reader.fd, env: { TO_DEV_STDOUT: '1' } });
    await app.waitUntilReady(2);
    for (const pid of app.workers) expect(reader.text).toContain(`opened by ${pid}\n`);
  });

  it('a file gets the lines of all workers whole, and a stopped primary stops nobody', async () => {
    const path = join(tmpdir(), `nestjs-cluster-log-${process.pid}`);
    const fd = fs.openSync(path, 'w');
    try {
      const app = await start({ stdout: fd, stderr: fd });
      await app.waitUntilReady(2);
      for (const slot of [0, 1]) await write(app, slot, 'lines=200&length=10000&after=1000');
      app.kill('SIGSTOP');
      await allWritten(() => fs.readFileSync(path, 'utf8'), 10_000, 200);
      app.kill('SIGCONT');
      expect(await app.stop()).toEqual({ code: 0, signal: null });
    } finally {
      fs.closeSync(fd);
      fs.rmSync(path);
    }
  });
});

function residentMiB(pid: number): number {
  const [, kB] = /VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kB) / 1024;
}
