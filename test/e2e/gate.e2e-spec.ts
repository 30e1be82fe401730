import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import {
  ascending,
  fixture,
  FixtureApp,
  type FixtureOptions,
  selfSigned,
  type SelfSigned,
  useApps,
} from '../support/index.js';

const apps = useApps();

/** Pids in which the app's own providers were constructed, and whether one of them is the primary. */
function constructedIn(app: FixtureApp) {
  const reports = app.process.output.reports('constructed');
  return { pids: new Set(reports.map(({ pid }) => pid)), primary: reports.some(({ primary }) => primary) };
}

describe('main.ts stays as it is', () => {
  let tls: SelfSigned;
  beforeAll(() => {
    tls = selfSigned();
  });
  afterAll(() => tls.remove());

  const servers: [string, () => FixtureOptions][] = [
    ['Express', () => ({ main: 'express' })],
    ['Fastify', () => ({ main: 'fastify' })],
    ['HTTPS', () => ({ main: 'https', protocol: 'https', env: { TLS_KEY: tls.key, TLS_CERT: tls.cert } })],
  ];

  it.each(servers)(
    'with %s every worker serves; the primary constructs nothing and serves nothing',
    async (_, options) => {
      const app = await FixtureApp.start(apps, options());
      const workers = await app.process.waitUntilReady(2);
      expect(workers.map(({ slot }) => slot)).toEqual([0, 1]);
      expect(workers.map(({ role }) => role)).toEqual(['worker', 'worker']);
      expect(new Set(workers.map(({ pid }) => pid))).toEqual(new Set(app.process.workers));
      expect(constructedIn(app)).toEqual({ pids: new Set(app.process.workers), primary: false });
      expect(await app.primary('/identify')).toMatchObject({ pid: app.process.pid, role: 'primary', slot: -1 });
      expect(await app.process.stop()).toEqual({ code: 0, signal: null });
    },
  );

  it('an application context, which never listens, runs in every worker and takes messages', async () => {
    const app = await FixtureApp.start(apps, { main: 'context' });
    const { value } = await app.call('primary', 'map', 'where');
    expect(ascending(value.map(({ pid }: { pid: number }) => pid))).toEqual(ascending(app.process.workers));
    expect(constructedIn(app)).toEqual({ pids: new Set(app.process.workers), primary: false });
    expect(await app.process.stop()).toEqual({ code: 0, signal: null });
  });

  it('a TCP microservice runs in every worker, and clients reach them all', async () => {
    const app = await FixtureApp.start(apps, { main: 'microservice' });
    const clients: ClientProxy[] = [];
    const slots = new Set<number>();
    // A client has one connection, so one worker: other clients come to the others.
    for (let i = 0; i < 50 && slots.size < 2; i++) {
      const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { port: app.process.port } });
      clients.push(client);
      const { slot } = await firstValueFrom(client.send<{ slot: number }>('where', {}));
      slots.add(slot);
    }
    expect(ascending(slots)).toEqual([0, 1]);
    for (const client of clients) await client.close();
    expect(await app.process.stop()).toEqual({ code: 0, signal: null });
  });

  it('importing AppModule forks nothing and keeps no process alive', async () => {
    const app = await apps.start({ entry: fixture('app/import-only.main') });
    expect(await app.waitForReport('imported')).toMatchObject({ name: 'AppModule', pid: app.pid });
    expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
    expect(app.output.reports('constructed')).toEqual([]);
    expect(app.output.reports('imported')).toHaveLength(1);
  });

  it('forRoot(n) runs n workers', async () => {
    const app = await apps.start({ entry: fixture('app/express.main'), cluster: 3 });
    expect((await app.waitUntilReady(3)).map(({ slot }) => slot)).toEqual([0, 1, 2]);
    expect(app.workers).toHaveLength(3);
  });
});

describe('forRootAsync', () => {
  it.each(['useFactory', 'useClass', 'useExisting', 'number'])('%s gives the number of workers', async (form) => {
    const app = await apps.start({ entry: fixture('async/main'), env: { FORM: form } });
    const workers = await app.waitUntilReady(2);
    expect(ascending(workers.map(({ pid }) => pid))).toEqual(ascending(app.workers));

    const constructed = app.output.reports('constructed');
    const inPrimary = constructed.filter(({ pid }) => pid === app.pid).map(({ what }) => what);
    // Only what the factory needs; never the app's other providers.
    expect(inPrimary).toEqual(form === 'number' ? [] : ['Settings']);
  });

  it('a factory that throws ends the process with its error, and forks nothing', async () => {
    const app = await apps.start({ entry: fixture('async/main'), env: { FORM: 'failing' } });
    const { code } = await app.waitForExit();
    expect(code).toBeGreaterThan(0);
    expect(app.output.text).toContain('the settings cannot be read');
    expect(app.output.reports('constructed')).toEqual([]);
  });
});

describe('enabled: false', () => {
  it('is one process in which the same app works', async () => {
    const app = await apps.start({ entry: fixture('app/express.main'), cluster: { enabled: false } });
    const who = await app.waitUntilReady(1);
    expect(who).toMatchObject([{ pid: app.pid, role: 'standalone', slot: 0 }]);
    expect(app.workers).toEqual([]);

    const map = await app.json('/call', { method: 'POST', body: { method: 'map', args: ['where'] } });
    expect(map.value).toMatchObject([{ pid: app.pid }]);
    const consume = await app.json('/call', { method: 'POST', body: { method: 'consume', args: ['job'] } });
    expect(consume.value).toMatchObject({ pid: app.pid, attempt: 1 });
    const rich = await app.json('/special/rich?slot=0', { method: 'POST' });
    expect(rich.value).toEqual({ there: true, back: true });
    const reload = await app.json('/reload', { method: 'POST' });
    expect(reload.error).toMatchObject({ code: 'ERR_CLUSTER_DISABLED' });
  });
});

describe('what cannot work is refused at once, by name', () => {
  it.each<[string, unknown, RegExp[]]>([
    ['workers: -1', { workers: -1 }, [/workers/, /-1/]],
    ["workers: 'four'", { workers: 'four' }, [/workers/, /four/]],
    ['an unknown option', { wokers: 4 }, [/wokers/]],
    ['an unknown option of a group', { reload: { surgge: 1 } }, [/reload/, /surgge/]],
    ['a time that is none', { shutdown: { timeout: 'soon' } }, [/shutdown\.timeout/, /soon/]],
    [
      'times that contradict each other',
      { watchdog: { killAfter: 1_000 } },
      [/killAfter: got 1000/, /suspectAfter \(3000\)/],
    ],
  ])('%s', async (_, cluster, words) => {
    const app = await apps.start({ entry: fixture('app/express.main'), cluster });
    const { code } = await app.waitForExit();
    expect(code).toBeGreaterThan(0);
    expect(app.output.text).toContain('ERR_CLUSTER_OPTIONS');
    for (const word of words) expect(app.output.text).toMatch(word);
    expect(app.output.reports('constructed')).toEqual([]);
  });

  it('WEB_CONCURRENCY=many', async () => {
    const app = await apps.start({
      entry: fixture('app/express.main'),
      cluster: { workers: 0 },
      env: { WEB_CONCURRENCY: 'many' },
    });
    const { code } = await app.waitForExit();
    expect(code).toBeGreaterThan(0);
    expect(app.output.text).toMatch(/WEB_CONCURRENCY is 'many'/);
  });

  it('two forRoot in one app', async () => {
    const app = await apps.start({ entry: fixture('two-roots/main') });
    const { code } = await app.waitForExit();
    expect(code).toBeGreaterThan(0);
    expect(app.output.text).toMatch(/ERR_CLUSTER_OPTIONS/);
    expect(app.output.text).toMatch(/forRoot/);
    expect(app.workers).toEqual([]);
  });
});
