/** Events are not HTTP: what surrounds a handler, in a cluster and standalone. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type AppProcess, type Apps, eventually, fixture, lostContexts, useApps } from '../support/index.js';

const apps = useApps();
const entry = fixture('compat-events/main');

/** Where handlers run, seen from the worker that calls: in another one, or in the process itself. */
const PLACES = [
  { place: 'in a cluster', env: {}, slots: [0, 1], other: 1 },
  { place: 'standalone', env: { NESTJS_CLUSTER: 'off' }, slots: [0], other: 0 },
] as const;
type Place = (typeof PLACES)[number];

type Settings = Readonly<Record<string, string>>;

async function start({ env, slots }: Place, more: Settings = {}, by: Apps['start'] = apps.start): Promise<AppProcess> {
  const app = await by({ entry, env: { ...env, ...more } });
  await app.waitUntilReady(slots.length);
  return app;
}

/** An app for all tests of this describe. */
function share(place: Place, more: Settings = {}, prepare: () => void = () => {}): () => AppProcess {
  const own = useApps();
  let app: AppProcess | undefined;
  beforeAll(async () => {
    prepare();
    app = await start(place, more, own.share);
  });
  return () => app!;
}

interface Outcome {
  readonly value?: any;
  readonly error?: any;
}

/** A messenger call in slot 0. */
function call(app: AppProcess, method: string, ...args: unknown[]): Promise<Outcome> {
  return app.jsonFrom(0, '/call', { method: 'POST', body: { method, args } });
}

const TRACED = { trace: [] };
const GLOBALS = ['useGlobal', 'APP_'];
const HTTP_TRACE = ['useGlobalGuards', 'APP_GUARD', 'useGlobalInterceptors', 'APP_INTERCEPTOR'];
const BOUND = ['class guard', 'own guard', 'class interceptor', 'own interceptor', 'class pipe', 'own pipe', 'handler'];
const ORDER_ERROR = { name: 'OrderError', message: 'order 7 cannot be met', code: 'E_ORDER' };

describe.each(PLACES)('enhancers $place', (place) => {
  const { other } = place;

  describe('of an app with global ones of every kind', () => {
    const app = share(place, { GLOBALS: '1' });

    it('are at work on HTTP requests', async () => {
      expect(new Set(await app().json('/trace'))).toEqual(new Set(HTTP_TRACE));
      const { status, text } = await app().request('/nowhere');
      expect([status, JSON.parse(text)]).toEqual([404, { caughtBy: expect.stringMatching(/_FILTER|Filters/) }]);
    });

    it('stay out of handlers and tasks: the caller sees their results and their own errors', async () => {
      expect(await call(app(), 'send', other, 'bare', TRACED)).toMatchObject({ value: ['handler'] });
      expect(await call(app(), 'map', 'bare', TRACED)).toMatchObject({ value: place.slots.map(() => ['handler']) });
      expect(await call(app(), 'consume', 'bare.task', TRACED)).toMatchObject({ value: ['handler'] });
      const error = { ...ORDER_ERROR, data: { order: 7 } };
      expect(await call(app(), 'send', other, 'bare.fails')).toMatchObject({ error });
      expect(await call(app(), 'consume', 'bare.fails.task')).toMatchObject({ error });
      const { value } = await call(app(), 'mapSettled', 'bare.fails');
      expect(value).toMatchObject(place.slots.map((slot) => ({ slot, status: 'rejected', reason: ORDER_ERROR })));
    });

    it('apply where they are bound to the handler or its class, in the order of Nest', async () => {
      expect(await call(app(), 'send', other, 'bound', TRACED)).toMatchObject({ value: BOUND });
      expect(await call(app(), 'consume', 'bound.task', TRACED)).toMatchObject({ value: BOUND });
    });

    it('filters that are bound map the error, that of the handler before that of its class', async () => {
      const mapped = (text: string) => ({ error: { name: 'RangeError', message: text } });
      expect(await call(app(), 'send', other, 'class.fails')).toMatchObject(
        mapped('class filter caught order 8 cannot be met'),
      );
      const own = mapped('own filter caught order 9 cannot be met');
      expect(await call(app(), 'send', other, 'bound.fails')).toMatchObject(own);
      expect(await call(app(), 'consume', 'bound.fails.task')).toMatchObject(own);
    });
  });

  describe('of an app with inheritAppConfig: true', () => {
    const app = share(place, { GLOBALS: '1', CLUSTER_OPTIONS: JSON.stringify({ inheritAppConfig: true }) });

    it('apply to handlers and tasks, global ones too', async () => {
      const { value } = await call(app(), 'send', other, 'bare', TRACED);
      expect(value).toHaveLength(7);
      for (const kind of ['Guards', 'Interceptors', 'Pipes']) expect(value).toContain(`useGlobal${kind}`);
      for (const kind of ['GUARD', 'INTERCEPTOR', 'PIPE']) expect(value).toContain(`APP_${kind}`);
      expect(await call(app(), 'consume', 'bare.task', TRACED)).toMatchObject({ value });
      const bound = (await call(app(), 'send', other, 'bound', TRACED)).value as string[];
      expect(bound.filter((name) => !GLOBALS.some((global) => name.startsWith(global)))).toEqual(BOUND);
      expect(bound).toHaveLength(6 + BOUND.length);
    });

    it('a global filter maps the errors that no bound one takes', async () => {
      const caught = {
        error: { name: 'RangeError', message: expect.stringMatching(/^(APP_|useGlobal).* caught order 7/) },
      };
      expect(await call(app(), 'send', other, 'bare.fails')).toMatchObject(caught);
      expect(await call(app(), 'consume', 'bare.fails.task')).toMatchObject(caught);
      expect(await call(app(), 'send', other, 'bound.fails')).toMatchObject({
        error: { message: 'own filter caught order 9 cannot be met' },
      });
    });
  });
});

describe.each(PLACES)('payloads behind a ValidationPipe $place', (place) => {
  const app = share(place);

  it.each([
    ['map', /^Map Map\(2\) \{ 'a' => 1, 2 => Set/],
    ['set', /^Set Set\(2\) \{ 1, 'two' \}/],
    ['bytes', /^Uint8Array .*\[ 1, 2, 255 \]/],
    ['floats', /^Float64Array .*\[ 0.5, -1 \]/],
    ['buffer', /^Buffer <Buffer 61 62>/],
    ['memory', /^ArrayBuffer .*<07 08>/],
    ['regexp', /^RegExp \/a\+\(\?<name>b\)\/giu/],
    ['error', /^Error Error: plain/],
    ['range', /^RangeError RangeError: out of it/],
    ['date', /^Date 2001-09-09T01:46:40.001Z/],
    ['bigint', /^BigInt 1180591620717411303424n/],
    ['any', /^Map Map\(1\) \{ 'a' => 1970-01-01/],
  ])('%s comes as it was sent', async (name, pattern) => {
    const { sent, seen } = await app().jsonFrom(0, `/type/${name}?to=${place.other}`, { method: 'POST' });
    expect(seen).toMatch(pattern);
    expect(seen).toBe(sent);
  });

  it('a DTO is made of its class and validated', async () => {
    expect(await call(app(), 'send', place.other, 'type.dto', { size: 1 })).toMatchObject({
      value: 'Size Size { size: 1 }',
    });
    for (const wrong of [{ size: 'x' }, { size: 1, more: 1 }, {}]) {
      expect(await call(app(), 'send', place.other, 'type.dto', wrong)).toMatchObject({
        error: { name: 'BadRequestException' },
      });
    }
  });

  it("pipes in a parameter's decorator apply", async () => {
    const bad = { error: { name: 'BadRequestException' } };
    expect(await call(app(), 'send', place.other, 'parameter.id', { id: '7' })).toMatchObject({
      value: [7, 'parameter.id'],
    });
    expect(await call(app(), 'send', place.other, 'parameter.id', { id: 'x' })).toMatchObject(bad);
    expect(await call(app(), 'send', place.other, 'parameter.dto', { size: 1 })).toMatchObject({
      value: 'Size Size { size: 1 }',
    });
    expect(await call(app(), 'send', place.other, 'parameter.dto', { size: 'x' })).toMatchObject(bad);
  });
});

describe.each(PLACES)('scopes $place', (place) => {
  const { other } = place;
  const request = { event: 'scope.request', keys: ['data', 'context'], isTheHandlersOwn: true, isContext: true };

  it('a request-scoped provider is made for each event, and its REQUEST is { data, context }', async () => {
    const app = await start(place);
    const { value: first } = await call(app, 'send', other, 'scope.request', { n: 1 });
    const { value: second } = await call(app, 'send', other, 'scope.request', { n: 2 });
    expect([first, second]).toMatchObject([
      { ...request, data: { n: 1 } },
      { ...request, data: { n: 2 } },
    ]);
    expect(second.number).not.toBe(first.number);
  });

  it('a durable one is shared by the events of a tenant, and its REQUEST is what the strategy says', async () => {
    const app = await start(place, { STRATEGY: 'events' });
    const of = async (tenant: string) => (await call(app, 'send', other, 'scope.durable', { tenant })).value;
    const [first, foreign, again] = [await of('a'), await of('b'), await of('a')];
    expect(first.request).toEqual({ tenant: 'a' });
    expect(foreign.request).toEqual({ tenant: 'b' });
    expect(again).toEqual(first);
    expect(foreign.number).not.toBe(first.number);
  });

  it('a strategy that knows HTTP alone fails with an error that names event, handler and remedy', async () => {
    const app = await start(place, { STRATEGY: 'http' });
    const { error } = await call(app, 'send', other, 'scope.durable', { tenant: 'a' });
    expect(error).toMatchObject({ code: 'ERR_CLUSTER_EVENT_CONTEXT' });
    expect(error.message).toMatch(
      /^TenantStrategy.*'scope.durable' for DurableHandlers\.run: .*\{ data, context \}.*attach\(\)/,
    );
    // What has no part in it works on.
    expect(await call(app, 'send', other, 'bare', TRACED)).toMatchObject({ value: ['handler'] });
  });
});

describe.each(PLACES)('a module that is loaded lazily $place', (place) => {
  const { slots, other } = place;
  const load = (app: AppProcess, slot: number) => app.jsonFrom(slot, '/load', { method: 'POST' });

  it('brings its handlers and those of what it imports, in the worker that has loaded it', async () => {
    const app = await start(place);
    expect(await call(app, 'send', other, 'lazy')).toMatchObject({ error: { code: 'ERR_CLUSTER_NO_HANDLER' } });
    expect(await call(app, 'consume', 'lazy.task')).toMatchObject({ error: { code: 'ERR_CLUSTER_NO_HANDLER' } });
    await load(app, other);
    expect(await call(app, 'send', other, 'lazy')).toMatchObject({ value: other });
    for (let n = 0; n < 4; n += 1) expect(await call(app, 'consume', 'lazy.task')).toMatchObject({ value: other });
    for (const slot of slots) await load(app, slot);
    expect(await call(app, 'map', 'lazy')).toMatchObject({ value: slots });
  });
});

describe.each(PLACES)('contexts of callers $place', (place) => {
  it('no handler runs in one, and every caller goes on in its own', async () => {
    expect(await lostContexts(await start(place), place.slots)).toEqual([]);
  });
});

const HOUR = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), 'nestjs-cluster-events-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(PLACES)('the wall clock is set to another time $place', (place) => {
  const { slots, other } = place;
  const CLOCK = join(folder, slots.join());
  const set = (ms: number) => {
    writeFileSync(`${CLOCK}.new`, String(ms));
    renameSync(`${CLOCK}.new`, CLOCK);
  };
  const NODE_OPTIONS = `--import=${pathToFileURL(fixture('compat-events/shifted-clock')).href}`;
  const app = share(place, { CLOCK, NODE_OPTIONS }, () => set(0));
  beforeEach(() => set(0));

  /** Begins calls in slot 0; resolves when they are made. */
  const begin = (method: string, count: number, ...args: unknown[]) =>
    app().jsonFrom(0, '/begin', { method: 'POST', body: { method, count, args } });
  const outcomes = async () => (await app().jsonFrom(0, '/outcomes')).value as unknown[];
  const isOffBy = async (slot: number) => (await app().jsonFrom(slot, '/')).now - Date.now();

  it.each([
    ['an hour on', HOUR],
    ['an hour back', -HOUR],
  ])('%s: a call that waits is cut off after its time, not before and not later', async (_, step) => {
    const before = await eventually(
      async () => {
        const workers = await app().waitUntilReady(slots.length);
        return workers.some(({ isLeader }) => isLeader) && workers;
      },
      { what: () => `a leader\n--- output\n${app().output.text}` },
    );
    const { mark } = app().output;
    // Longer than a test may take, and less than the step.
    const patient = { timeout: HOUR / 2 };
    const brief = { timeout: 1_500 };
    await begin('send', 1, other, 'clock.silent', 'x', brief);
    await begin('consume', 1, 'clock.never', 'x', brief);
    await begin('runOnce', 1, `never ${step}`, brief);
    await app().waitForReport('never', ({ event }) => event === 'clock.silent', mark);
    await app().waitForReport('never', ({ event }) => event === 'clock.never', mark);
    const tasks = slots.length + 6;
    await begin('consume', tasks, 'clock.task', 'n', patient);
    for (const slot of slots) await app().waitForReport('task', (report) => report['slot'] === slot, mark);
    set(step);
    for (const slot of slots) expect(Math.abs((await isOffBy(slot)) - step)).toBeLessThan(HOUR / 2);
    for (const event of ['clock.silent', 'clock.never']) {
      await app().waitForReport('aborted', (report) => report['event'] === event, mark);
    }
    await call(app(), 'broadcast', 'clock.open');
    const timeout = expect.objectContaining({ code: 'ERR_CLUSTER_TIMEOUT' });
    expect(await outcomes()).toEqual([timeout, timeout, timeout, ...Array.from({ length: tasks }, (_each, n) => n)]);
    expect(await call(app(), 'consume', 'bare.task', TRACED, patient)).toMatchObject({ value: ['handler'] });
    // Nobody was taken for dead, and the lead did not go over.
    const after = await app().waitUntilReady(slots.length);
    expect(after.map(({ pid, isLeader }) => [pid, isLeader])).toEqual(
      before.map(({ pid, isLeader }) => [pid, isLeader]),
    );
    expect(app().output.text).not.toMatch(/unresponsive|silent for|WARN/);
  });
});
