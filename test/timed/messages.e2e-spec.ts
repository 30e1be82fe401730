import { beforeAll, describe, expect, it } from '@jest/globals';
import { ascending, eventually, FixtureApp, useApps } from '../support/index.js';

const apps = useApps();
let app: FixtureApp;
beforeAll(async () => {
  app = await FixtureApp.start(apps, { shared: true });
});

describe('payloads', () => {
  it('everything structuredClone() takes survives the way there and back', async () => {
    expect(await app.special(0, 'rich', '?slot=1')).toMatchObject({ value: { there: true, back: true } });
    expect(await app.special(0, 'rich', '?slot=0')).toMatchObject({ value: { there: true, back: true } });
  });

  it('a function is refused before anything is sent', async () => {
    const { error } = await app.special(0, 'function');
    expect(error).toMatchObject({ code: 'ERR_CLUSTER_PAYLOAD_NOT_CLONEABLE' });
    expect(error.message).toContain("'echo'");
  });

  it('one over the limit is refused with its size and the limit', async () => {
    const { error } = await app.special(0, 'huge');
    expect(error).toMatchObject({ code: 'ERR_CLUSTER_PAYLOAD_TOO_LARGE' });
    expect(error.message).toContain('1048576');
  });

  it('one just under the limit arrives whole', async () => {
    const text = 'x'.repeat(90_000); // Express takes 100 kB of JSON
    expect((await app.call(0, 'send', 1, 'echo', text)).value).toBe(text);
  });

  it('typed events: what the compiler was promised comes back', async () => {
    expect((await app.special(0, 'typed', '?slot=1')).value).toBe(12);
  });
});

describe('send', () => {
  it('to a slot: the handler of that worker answers', async () => {
    for (const [from, to] of [
      [0, 0],
      [0, 1],
      [1, 0],
    ] as const) {
      expect((await app.call(from, 'send', to, 'where')).value).toMatchObject({ role: 'worker', slot: to });
    }
  });

  it("to 'primary': a handler in the primary module answers", async () => {
    const { value } = await app.call(1, 'send', 'primary', 'where');
    expect(value).toMatchObject({ role: 'primary', slot: -1, pid: app.process.pid });
  });

  it('to what is no slot is refused at once', async () => {
    const { value: errors, elapsed } = await app.special(0, 'badSlots');
    expect(errors).toHaveLength(5);
    for (const error of errors) expect(error).toMatchObject({ code: 'ERR_CLUSTER_INVALID_ARGUMENT' });
    expect(elapsed).toBeLessThan(1_000);
  });

  it.each([0, 'primary'] as const)('to a slot beyond the last is refused at once, from %s', async (from) => {
    const { error, elapsed } = await app.call(from, 'send', 99, 'where', null, { timeout: 3_000 });
    expect(error).toMatchObject({ code: 'ERR_CLUSTER_INVALID_ARGUMENT' });
    expect(elapsed).toBeLessThan(1_000);
  });
});

describe('the primary module', () => {
  it('broadcasts to every worker and to itself', async () => {
    const { mark } = app;
    await app.call('primary', 'broadcast', 'note', 'from the primary');
    for (const slot of [-1, 0, 1]) {
      const note = await app.process.waitForReport('note', (one) => one['slot'] === slot, mark);
      expect(note).toMatchObject({ text: 'from the primary', source: 'primary' });
    }
  });

  it('maps over every worker', async () => {
    const { value } = await app.call('primary', 'map', 'where');
    expect(ascending(value.map(({ slot }: { slot: number }) => slot))).toEqual([0, 1]);
  });

  it("hears a worker's broadcast", async () => {
    const { mark } = app;
    await app.call(1, 'broadcast', 'note', 'to all');
    const note = await app.process.waitForReport('note', ({ role }) => role === 'primary', mark);
    expect(note).toMatchObject({ text: 'to all', source: 1 });
  });

  it('is told of a task that it cannot run', async () => {
    const [warning] = await app.process.waitForLine(/Misplaced\.job will never run here: workers run tasks, .*$/m);
    expect(warning).toContain("Provide the class of @ConsumeOnce('job') in the app's modules, not in the primary's.");
  });
});

describe('errors', () => {
  it("a handler's error is rebuilt: name, message, code, data and slot", async () => {
    const { error } = await app.call(0, 'send', 1, 'fail');
    expect(error).toMatchObject({
      class: 'RemoteError',
      name: 'QuotaError',
      message: 'too many',
      code: 'E_QUOTA',
      slot: 1,
      data: { limit: 3 },
    });
    // Outside production the stack is the handler's own.
    expect(error.stack.join('\n')).toContain('handlers.service');
  });

  it('map names who failed; mapSettled has the results of the others', async () => {
    const { error } = await app.call(0, 'map', 'fail', [1]);
    expect(error).toMatchObject({ code: 'ERR_CLUSTER_MAP', failures: [{ slot: 1, error: { code: 'E_QUOTA' } }] });
    const { value } = await app.call(0, 'mapSettled', 'fail', [1]);
    expect(value.map(({ status }: { status: string }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it.each([
    ['consume', ['nobody.listens', {}]],
    ['map', ['nobody.listens', {}]],
    ['send', [1, 'nobody.listens', {}]],
    ['send', ['primary', 'nobody.listens', {}]],
  ])('%s%j without a handler fails at once', async (method, args) => {
    const { error, elapsed } = await app.call(0, method, ...args);
    expect(JSON.stringify(error)).toContain('ERR_CLUSTER_NO_HANDLER');
    expect(JSON.stringify(error)).toContain('nobody.listens');
    expect(elapsed).toBeLessThan(5_000);
  });

  it('broadcast without a handler is fine', async () => {
    expect(await app.call(0, 'broadcast', 'nobody.listens', 1)).not.toHaveProperty('error');
  });

  it('an event that is no non-empty string is refused', async () => {
    const { value: errors } = await app.special(0, 'badEvents');
    expect(errors).toHaveLength(5);
    for (const error of errors) expect(error).toMatchObject({ code: 'ERR_CLUSTER_INVALID_ARGUMENT' });
  });

  it('a handler that throws in a broadcast is logged with event and slot, and its process lives on', async () => {
    const pids = (await app.members()).map(({ pid }) => pid);
    const { mark } = app;
    expect(await app.call(0, 'broadcast', 'fail')).not.toHaveProperty('error');
    await app.process.waitForLine(/fail.*too many|too many.*fail/, mark);
    expect((await app.call(0, 'map', 'where')).value).toHaveLength(2);
    expect((await app.members()).map(({ pid }) => pid)).toEqual(pids);
  });
});

describe('deadlines', () => {
  it.each([
    ['send', [1, 'hang', [1], { timeout: 200 }]],
    ['consume', ['job', { ms: 3_000 }, { timeout: 200 }]],
  ])('%s is given up after its timeout', async (method, args) => {
    const { error, elapsed } = await app.call(0, method, ...args);
    expect(error).toMatchObject({ code: 'ERR_CLUSTER_TIMEOUT' });
    expect(elapsed).toBeGreaterThanOrEqual(190);
    expect(elapsed).toBeLessThan(2_500);
  });

  it('map names the member that was late', async () => {
    const { error } = await app.call(0, 'map', 'hang', [1], { timeout: 200 });
    expect(error).toMatchObject({ failures: [{ slot: 1, error: { code: 'ERR_CLUSTER_TIMEOUT' } }] });
  });
});

describe('consume', () => {
  it('spreads tasks over the workers, each run once', async () => {
    const { mark } = app;
    const results = await Promise.all(Array.from({ length: 6 }, () => app.call(0, 'consume', 'job', { ms: 200 })));
    expect(new Set(results.map(({ value }) => value.slot))).toEqual(new Set([0, 1]));
    await app.flush();
    expect(app.process.output.reports('job', mark)).toHaveLength(6);
  });

  it('with one id, calls of all processes share one execution and one result', async () => {
    const { mark } = app;
    const call = (from: number | 'primary') => app.call(from, 'consume', 'job', { ms: 600 }, { id: 'the-one' });
    const results = await Promise.all([call(0), call(1), call('primary'), call(0)]);
    await app.flush();
    const runs = app.process.output.reports('job', mark);
    expect(runs).toHaveLength(1);
    expect(results.map(({ value }) => value.pid)).toEqual(results.map(() => runs[0]!['pid']));
  });

  it('attempts: 3 runs a handler that throws again; one attempt is the default', async () => {
    expect((await app.call(0, 'consume', 'flaky', 3, { attempts: 3 })).value).toBe(3);
    expect((await app.call(0, 'consume', 'flaky', 3)).error).toMatchObject({ message: 'attempt 1', code: 'E_QUOTA' });
  });
});

describe('runOnce', () => {
  it('called by every worker runs in one of them, once for all time', async () => {
    const { mark } = app;
    const results = await Promise.all([0, 1, 0, 1].map((slot) => app.special(slot, 'runOnce')));
    await app.flush();
    expect(app.process.output.reports('once', mark)).toHaveLength(1);
    for (const { value } of results) expect(value).toEqual(results[0]!.value);
  });
});

describe('order', () => {
  it('what one worker broadcasts arrives in order everywhere', async () => {
    expect(await app.special(0, 'numbers')).not.toHaveProperty('error');
    const expected = Array.from({ length: 500 }, (_, n) => n);
    // Sent after them by the same worker, so answered after them.
    expect((await app.call(0, 'map', 'numbers')).value).toEqual([expected, expected]);
    expect((await app.call(0, 'send', 'primary', 'numbers')).value).toEqual(expected);
  });
});

describe('foreign and malformed IPC messages', () => {
  const ns = 'nestjs-cluster/1';
  const noise = [
    null,
    0,
    'ready',
    [],
    {},
    { type: 'ready' },
    { type: 'reload', request: 1 },
    { ns },
    { ns, type: 'nonsense' },
    { ns, type: 7 },
    { ns: 'nestjs-cluster/0', type: 'ready' },
    { ns, type: 'heartbeat' },
    { ns, type: 'heartbeat', seq: 'x', vitals: null },
    { ns, type: 'scale', request: 'x', workers: 'many' },
    { ns, type: 'lease' },
    { ns, type: 'answer', request: 123_456, ok: true },
    { ns, type: 'answer', request: 123_456, ok: false },
    { cmd: 'NODE_CLUSTERISH', act: 'newconn' },
  ];

  it.each(['worker → primary', 'primary → worker'])('%s: they change nothing', async (direction) => {
    const before = await app.waitUntilFull();
    const { mark } = app;
    if (direction === 'worker → primary') {
      await app.process.jsonFrom(1, '/process-send', { method: 'POST', body: { messages: noise } });
    } else {
      for (const message of noise) await app.onWorker(before[1]!.pid, 'send', message);
    }
    // A message after them: they have been read when this one is.
    await app.process.jsonFrom(1, '/process-send', { method: 'POST', body: { messages: [{ after: 'noise' }] } });
    await app.process.waitForReport('worker-event', ({ message }) => message?.after === 'noise', mark);

    await eventually(async () => (await app.call(0, 'map', 'where')).value.length === 2, { what: 'both in a map' });
    expect((await app.call(1, 'consume', 'job', {})).value).toMatchObject({ attempt: 1 });
    expect(await app.members()).toEqual(before);
    expect(app.workerEvents(mark).filter(({ event }) => event === 'exit' || event === 'fork')).toEqual([]);
  });
});
