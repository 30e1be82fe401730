import { readFileSync } from 'node:fs';
import { setTimeout as elapsed } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type Broker,
  type BrokerServer,
  eventually,
  fixture,
  Hosts,
  isRunning,
  LEASE,
  request,
  useApps,
  describeOver,
  WORKERS,
} from '../support/index.js';

/*
 * Two primaries with two workers each, on a real broker: what the messenger promises over hosts when workers, hosts
 * and the broker are killed, frozen and replaced.
 */

/** Beyond its lease, a task is run again within so long, in ms. */
const PATIENCE = 1_000;

/** What the collector of a process may leave lying about, in bytes: it takes its time, on newer Nodes most. */
const RSS_MARGIN = 120_000_000;

/** So much is refused while memory is watched, in bytes: were it kept, that could not be missed. */
const REFUSED = 3 * RSS_MARGIN;

const PAGE = 4_096;

/** Resident set size of a process, in bytes. */
function rss(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE;
}

const apps = useApps();

/** The tests of one broker: a file for each calls it, so that they run side by side. */
export function manyHosts(broker: Broker): void {
  const describeHosts = describeOver(broker);
  describeHosts(`two hosts over ${broker.name}`, () => twoHosts(broker));
  describeHosts(`the start of an app over ${broker.name}`, () => startOfAnApp(broker));
}

function twoHosts(broker: Broker): void {
  let server: BrokerServer;
  let hosts: Hosts;
  beforeAll(async () => {
    server = await broker.start();
    hosts = await Hosts.start(apps, broker.env(server), {}, { shared: true });
  });
  afterAll(() => server.destroy());
  // What a test has killed or stopped is back, the broker too where one has failed half-way.
  beforeEach(async () => {
    await server.revive();
    await hosts.waitUntilFull();
  });

  describe('membership', () => {
    it('every worker of every host is listed everywhere; one that is killed is gone at once, and another joins', async () => {
      const members = await hosts.waitUntilFull();
      expect(members.map(({ host, slot }) => `${host}${slot}`)).toEqual(['a0', 'a1', 'b0', 'b1']);
      const [first] = members;
      const isGone = async () => (await hosts.get('b').members()).every(({ id }) => id !== first!.id);
      const killedAt = performance.now();
      process.kill(first!.pid, 'SIGKILL');
      await eventually(isGone, { what: 'the other host to hear of it' });
      expect(performance.now() - killedAt).toBeLessThan(1_000);
      const again = await hosts.waitUntilFull();
      expect(again[0]!.id).toBeGreaterThan(first!.id);
    });

    it('one that is frozen is lost within 2 s, and is back when it goes on', async () => {
      const [first] = await hosts.waitUntilFull();
      const isListed = async () => (await hosts.get('b').members()).some(({ id }) => id === first!.id);
      const frozenAt = performance.now();
      process.kill(first!.pid, 'SIGSTOP');
      await eventually(async () => !(await isListed()), { what: 'the frozen worker to be lost' });
      expect(performance.now() - frozenAt).toBeLessThan(2_000 + 200);
      process.kill(first!.pid, 'SIGCONT');
      await eventually(isListed, { what: 'the worker to be back' });
    });

    it('another environment on the same broker hears and sees nothing', async () => {
      const cluster = { messenger: { environment: 'staging' } };
      const others = await Hosts.start(apps, broker.env(server), cluster, { names: ['c'] });
      expect((await others.waitUntilFull()).map(({ host }) => host)).toEqual(['c', 'c']);
      await hosts.call('a', 'broadcast', 'note', 'hello c');
      await hosts.report('note', ({ host, slot, text }) => host === 'b' && slot === 1 && text === 'hello c');
      expect(await others.call('c', 'map', 'where')).toMatchObject({ value: [{ host: 'c' }, { host: 'c' }] });
      expect(others.reports('note')).toEqual([]);
    });
  });

  describe('calls', () => {
    it('broadcast reaches all four, map asks all four in order, send stays at its host', async () => {
      await hosts.call('b', 'broadcast', 'note', 'hello d');
      for (const host of ['a', 'b'])
        for (const slot of [0, 1])
          await hosts.report(
            'note',
            ({ text, ...note }) => text === 'hello d' && note['host'] === host && note['slot'] === slot,
          );
      const places = ['a0', 'a1', 'b0', 'b1'];
      const { value } = await hosts.call('a', 'map', 'where');
      expect((value as { host: string; slot: number }[]).map(({ host, slot }) => `${host}${slot}`)).toEqual(places);
      expect(await hosts.call('b', 'send', 1, 'where')).toMatchObject({ value: { host: 'b', slot: 1 } });
      expect(await hosts.call('a', 'send', 1, 'where')).toMatchObject({ value: { host: 'a', slot: 1 } });
    });

    it('map over four with one killed: the other three at once, and MemberLostError', async () => {
      const asked = hosts.call('a', 'mapSettled', 'hold', { host: 'b', slot: 0 });
      const { pid } = await hosts.report('holding');
      const killedAt = performance.now();
      process.kill(pid as number, 'SIGKILL');
      const { value } = await asked;
      expect(performance.now() - killedAt).toBeLessThan(1_000);
      expect(value).toMatchObject([
        { host: 'a', slot: 0, status: 'fulfilled' },
        { host: 'a', slot: 1, status: 'fulfilled' },
        { host: 'b', slot: 0, status: 'rejected', reason: { code: 'ERR_CLUSTER_MEMBER_LOST' } },
        { host: 'b', slot: 1, status: 'fulfilled' },
      ]);
    });

    it('an event without a handler is refused at once', async () => {
      const { error, elapsed } = await hosts.call('a', 'consume', 'nothing', {});
      expect(error).toMatchObject({ code: 'ERR_CLUSTER_NO_HANDLER' });
      expect(elapsed).toBeLessThan(100);
    });

    it('progress comes in order before the result; a task that is given up is aborted where it runs', async () => {
      await hosts.call('a', 'send', 0, 'watch', 3);
      const progress = [1, 2, 3].map((value) => ({ type: 'progress', value }));
      expect((await hosts.report('watched'))['said']).toEqual([...progress, { type: 'result', value: 3 }]);
      const givenUp = hosts.call('a', 'send', 0, 'give-up', { n: 50, after: 1_500 });
      await hosts.running(50);
      expect(await givenUp).toMatchObject({ value: 'TimeoutError' });
      expect(await hosts.report('aborted')).toMatchObject({ n: 50, reason: 'AbortError' });
    });
  });

  describe('a task', () => {
    it('whose worker is killed is run by another within the lease and a second, and succeeds once', async () => {
      let fastest = Infinity;
      // The fastest of three: the machine starts the next worker meanwhile, and runs another file of tests.
      for (const n of [81, 82, 83]) {
        await hosts.waitUntilFull();
        const begun = performance.now();
        const { value } = await hosts.call('a', 'consume', 'work', { n, fault: 'kill', until: 1 });
        fastest = Math.min(fastest, performance.now() - begun);
        expect(value).toMatchObject({ n });
        await hosts.ran(n, 2);
        expect(hosts.attempts(n)).toEqual([1, 2]);
        if (fastest < LEASE + PATIENCE) break;
      }
      expect(fastest).toBeLessThan(LEASE + PATIENCE);
    });

    it('whose worker is frozen past the lease and goes on: one success, and the stale one is logged', async () => {
      const task = hosts.call('a', 'consume', 'work', { n: 2, fault: 'freeze', until: 1 });
      const { pid } = await hosts.running(2);
      const { value } = await task;
      process.kill(pid as number, 'SIGCONT');
      expect((value as { pid: number }).pid).not.toBe(pid);
      await eventually(() => hosts.linesLike(/stale result of task/).length === 1, {
        what: 'the log of a stale result',
      });
      expect(await hosts.ran(2, 2)).toHaveLength(2);
    });

    it('five times as long as the lease, with a healthy loop, is run once', async () => {
      expect(await hosts.call('b', 'consume', 'work', { n: 3, ms: LEASE * 5 })).toMatchObject({ value: { n: 3 } });
      expect(await hosts.ran(3)).toHaveLength(1);
    });

    it('asked for a hundred times by one id runs once, also over the death of the broker', async () => {
      const ask = (count: number) =>
        Promise.all(
          Array.from({ length: count }, (_, i) =>
            hosts.call(i % 2 === 0 ? 'a' : 'b', 'consume', 'work', { n: 4, ms: 300 }, { id: 'the one' }),
          ),
        );
      const first = await ask(100);
      expect(new Set(first.map(({ value }) => JSON.stringify(value))).size).toBe(1);
      expect(first[0]!.value).toMatchObject({ n: 4 });
      await server.kill();
      await server.restart();
      await reachable();
      const second = await ask(20);
      expect(second.map(({ value }) => JSON.stringify(value))).toEqual(
        second.map(() => JSON.stringify(first[0]!.value)),
      );
      expect(await hosts.ran(4)).toHaveLength(1);
    });

    it('that kills each worker is run as often as its redeliveries allow, is a dead letter then, and can be retried', async () => {
      const poison = { n: 5, fault: 'kill', until: 2 };
      const { error } = await hosts.call('a', 'consume', 'work', poison, { redeliveries: 1 });
      expect(error).toMatchObject({ code: 'ERR_CLUSTER_MEMBER_LOST' });
      await hosts.ran(5, 2);
      expect(hosts.attempts(5)).toEqual([1, 2]);
      expect(await hosts.call('a', 'consume', 'work', { n: 6 })).toMatchObject({ value: { n: 6 } });
      await hosts.waitUntilFull();
      const { value: letters } = await hosts.call('b', 'send', 0, 'letters');
      expect(letters).toMatchObject([{ event: 'work', data: poison, died: 2 }]);
      // It may kill the very worker that has just retried it: the answer says nothing.
      await hosts.call('b', 'send', 0, 'letters', letters[0].id);
      await eventually(() => hosts.runs(5).length === 4, { what: 'the retried task to kill two workers again' });
    });

    it('whose handler throws is run as often as attempts says', async () => {
      const work = { n: 7, fault: 'throw', until: 2 };
      expect(await hosts.call('a', 'consume', 'work', work, { attempts: 3 })).toMatchObject({ value: { n: 7 } });
      const { error } = await hosts.call('a', 'consume', 'work', { ...work, n: 8 });
      expect(error).toMatchObject({ message: 'attempt 1 failed' });
    });
  });

  describe('the broker', () => {
    it('killed and back with tasks in flight: none of the accepted is lost', async () => {
      const asked = Array.from({ length: 40 }, (_, n) =>
        hosts.call(n % 2 === 0 ? 'a' : 'b', 'consume', n % 4 === 0 ? 'narrow' : 'work', { n: 100 + n, ms: 200 }),
      );
      await hosts.running(101);
      const cutOff = whenCutOff();
      await server.kill();
      await cutOff;
      await server.restart();
      const results = await Promise.all(asked);
      const refused = results.filter(({ error }) => error?.code === 'ERR_CLUSTER_NOT_CONNECTED');
      const done = results.filter(({ value }) => value !== undefined);
      expect(refused.length + done.length).toBe(asked.length);
      expect(done.length).toBeGreaterThan(0);
    });

    it('down for a minute: calls fail within 50 ms, HTTP is served, memory does not grow; back: all is well within 5 s', async () => {
      const before = await hosts.waitUntilFull();
      const cutOff = whenCutOff();
      await server.kill();
      await cutOff;
      const app = hosts.get('a');
      const calls = [
        ['broadcast', 'note', 'lost'],
        ['map', 'where'],
        ['send', 0, 'where'],
        ['consume', 'work', { n: 9 }],
      ] as const;
      for (const [method, ...args] of calls) {
        const times: number[] = [];
        for (let i = 0; i < 3; i++) {
          const { error, elapsed } = await app.call('primary', method, ...args);
          expect({ method, code: error?.code }).toEqual({ method, code: 'ERR_CLUSTER_NOT_CONNECTED' });
          times.push(elapsed);
        }
        // The machine may be busy with something else just then.
        expect(Math.min(...times)).toBeLessThan(50);
      }
      const large = 'x'.repeat(100_000);
      const hammer = async (until: number, bytes: number) => {
        for (let refused = 0; performance.now() < until || refused < bytes; refused += large.length) {
          await app.call('primary', 'broadcast', 'note', large);
          expect(await app.process.json('/')).toMatchObject({ host: 'a' });
        }
      };
      const downAt = performance.now();
      await hammer(downAt + 20_000, 0);
      const early = rss(app.process.pid);
      await hammer(downAt + 60_000, REFUSED);
      expect(rss(app.process.pid)).toBeLessThan(early + RSS_MARGIN);
      const restartedAt = performance.now();
      await server.restart();
      await reachable();
      expect(performance.now() - restartedAt).toBeLessThan(5_000);
      expect((await hosts.waitUntilFull()).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
      // On a busy machine so many calls take minutes; a test that is given up goes on, and breaks the next ones.
    }, 300_000);

    it('killed under calls that nobody awaits: they are logged, no process ends, and back, calls work', async () => {
      const before = await hosts.waitUntilFull();
      await hosts.call('a', 'map', 'careless', true);
      const cutOff = whenCutOff();
      await server.kill();
      await cutOff;
      for (const app of hosts.all.values())
        for (const call of [
          ['broadcast', 'where'],
          ['consume', 'steps', 1],
        ] as const) {
          const [method, ...args] = call;
          await app.primary('/call', { method, args, isUnawaited: true });
        }
      const lines = () => hosts.linesLike(/call\(s\) that nobody awaited failed, the last: .*'(where|steps)'/);
      await eventually(() => lines().length === before.length + hosts.all.size, {
        what: () => `each worker and primary to say it once\n${hosts.text}`,
      });
      await server.restart();
      await reachable();
      await hosts.call('a', 'map', 'careless', false);
      expect(await hosts.call('b', 'consume', 'steps', 3)).toMatchObject({ value: 3 });
      expect((await hosts.waitUntilFull()).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
      expect(hosts.linesLike(/uncaught/i)).toEqual([]);
    });

    it('frozen during a consume: no false failure, and one run', async () => {
      const cutOff = whenCutOff();
      server.freeze();
      const asked = hosts.call('a', 'consume', 'work', { n: 10 }, { id: 'frozen' });
      await cutOff;
      server.thaw();
      expect(await asked).toMatchObject({ value: { n: 10 } });
      expect(await hosts.ran(10)).toHaveLength(1);
    });

    it('frozen for longer than the lease of a task that goes on: it runs once', async () => {
      const asked = hosts.call('a', 'consume', 'work', { n: 11, ms: LEASE * 4 }, { redeliveries: 0 });
      await hosts.running(11);
      const cutOff = whenCutOff();
      server.freeze();
      await cutOff;
      await elapsed(LEASE);
      server.thaw();
      expect(await asked).toMatchObject({ value: { n: 11 } });
      expect(await hosts.ran(11)).toHaveLength(1);
    });
  });

  describe('the leader', () => {
    const leaders = async () => {
      const { value } = await hosts.call('a', 'mapSettled', 'leads', undefined, { timeout: 1_000 });
      return (value as any[]).flatMap((one) => (one.value?.isLeader === true ? [one.value] : []));
    };
    const one = (notPid?: number) =>
      eventually(
        async () => {
          const found = await leaders();
          expect(found.length).toBeLessThan(2);
          return found[0]?.pid !== notPid && found[0];
        },
        { what: () => `a leader\n${hosts.text}` },
      );

    it.each(['SIGKILL', 'SIGSTOP'] as const)(
      'is one over all hosts; after %s another within 3 s, with a higher token',
      async (signal) => {
        const first = await one();
        const at = performance.now();
        process.kill(first.pid, signal);
        const next = await one(first.pid);
        expect(performance.now() - at).toBeLessThan(3_000 + 200);
        expect(next.token).toBeGreaterThan(first.token);
        if (signal !== 'SIGSTOP') return;
        process.kill(first.pid, 'SIGCONT');
        await hosts.waitUntilFull();
        expect(await leaders()).toMatchObject([{ pid: next.pid }]);
      },
    );
  });

  describe('runOnce', () => {
    it('runs once over all hosts, and all get its result; a failure is not kept, and the next token is higher', async () => {
      const { value } = await hosts.call('a', 'map', 'once', { key: 'k', ms: 300 });
      expect(value).toHaveLength(4);
      expect(new Set((value as unknown[]).map((result) => JSON.stringify(result))).size).toBe(1);
      expect(hosts.reports('once').filter(({ key }) => key === 'k')).toHaveLength(1);
      await hosts.call('b', 'mapSettled', 'once', { key: 'failing', ms: 300, fault: 'throw' });
      const { value: again } = await hosts.call('a', 'map', 'once', { key: 'failing', ms: 0 });
      expect(again).toHaveLength(4);
      const tokens = hosts
        .reports('once')
        .filter(({ key }) => key === 'failing')
        .map(({ token }) => token as number);
      expect(tokens.length).toBeGreaterThan(1);
      // Of two hosts, the order of lines says nothing; no two runs have the same, and the last one's is the highest.
      expect(new Set(tokens).size).toBe(tokens.length);
      expect((again as { token: number }[])[0]!.token).toBe(Math.max(...tokens));
    });

    it('whose worker is killed is run by another', async () => {
      const asked = hosts.call('a', 'mapSettled', 'once', { key: 'killed', ms: 3_000 });
      const { pid, token } = await hosts.report('once', ({ key }) => key === 'killed');
      process.kill(pid as number, 'SIGKILL');
      const { value } = await asked;
      const values = (value as any[]).flatMap((one) => (one.value === undefined ? [] : [one.value]));
      expect(values).toHaveLength(3);
      expect(values[0].token).toBeGreaterThan(token as number);
    });
  });

  it('runOnce goes on over an outage longer than its lease: one run, and all have its result', async () => {
    const of = ({ key }: { readonly [name: string]: unknown }) => key === 'outage';
    // Whoever was asked over the broker cannot answer: each says itself what it has.
    const asked = hosts.call('a', 'mapSettled', 'once', { key: 'outage', ms: LEASE * 4 });
    await hosts.report('once', of);
    await server.kill();
    await elapsed(LEASE * 2);
    await server.restart();
    await asked;
    const results = () => hosts.reports('result-of-once').filter(of);
    await eventually(() => results().length === 4, { what: () => `four results\n${hosts.text}` });
    expect(new Set(results().map(({ token }) => token)).size).toBe(1);
    expect(hosts.reports('once').filter(of)).toHaveLength(1);
    expect(hosts.linesLike(/stale/i).filter((line) => line.includes('outage'))).toEqual([]);
  });

  describe('a whole host', () => {
    it('reloaded with 1,000 tasks queued: each is done once', async () => {
      const count = 1_000;
      const tasks = Array.from({ length: count }, (_, n) =>
        hosts.call('b', 'consume', 'work', { n: 1_000 + n, ms: n % 50 }),
      );
      await hosts.running(1_000);
      await hosts.get('a').primary('/reload');
      const results = await Promise.all(tasks);
      expect(results.filter(({ value }) => value === undefined)).toEqual([]);
      const runs = hosts
        .reports('run')
        .map(({ n }) => n as number)
        .filter((n) => n >= 1_000);
      expect(new Set(runs).size).toBe(count);
      expect(runs).toHaveLength(count);
    });

    // The last one: the host is not started again.
    it('killed: the other carries on, and its tasks are run again', async () => {
      const ask = (n: number) => hosts.call('b', 'consume', 'work', { n: 20 + n, ms: 500, endlessOn: 'a' });
      const tasks = Array.from({ length: 8 }, (_, n) => ask(n));
      const runs = await Promise.all(tasks.map((_, n) => hosts.running(20 + n)));
      expect(runs.some(({ host }) => host === 'a')).toBe(true);
      const victims = hosts.get('a').process.processes;
      for (const pid of victims) process.kill(pid, 'SIGKILL');
      await eventually(() => !victims.some(isRunning), { what: 'the end of the host' });
      const results = await Promise.all(tasks);
      expect(results.map(({ value }) => value)).toEqual(
        tasks.map((_, n) => expect.objectContaining({ n: 20 + n, host: 'b' })),
      );
      expect(await hosts.call('b', 'map', 'where')).toMatchObject({ value: [{ host: 'b' }, { host: 'b' }] });
    });
  });

  /** Resolves when both primaries have noticed that the broker is gone. */
  async function whenCutOff(): Promise<void> {
    await Promise.all([...hosts.all.values()].map((app) => app.process.waitForLine(/calls are refused/, app.mark)));
  }

  /** Resolves when all members answer each other again. */
  async function reachable(): Promise<void> {
    const answers = async (host: string) => {
      const { value } = await hosts.call(host, 'map', 'where', undefined, { timeout: 1_000 });
      return Array.isArray(value) && value.length === 4;
    };
    await eventually(async () => (await answers('a')) && (await answers('b')), {
      what: () => `answers of all\n${hosts.text}`,
    });
  }
}

function startOfAnApp(broker: Broker): void {
  const launch = (server: BrokerServer) =>
    apps.start({ entry: fixture('many-hosts/main'), env: { ...broker.env(server), HOST_NAME: 'a' } });

  it('does without the broker, serves HTTP, and joins when it comes', async () => {
    const server = await broker.start();
    try {
      await server.kill();
      const app = await launch(server);
      await app.waitForLine(new RegExp(`${broker.name} is not reachable`));
      await eventually(async () => (await app.request('/')).status === 200, { what: 'HTTP' });
      const { port } = await app.waitForReport('control');
      expect(await app.json('/')).toMatchObject({ host: 'a' });
      await server.restart();
      const members = async () => JSON.parse((await request(`http://localhost:${port}/members`)).text).value.length;
      await eventually(async () => (await members()) === WORKERS, { what: () => `members\n${app.output.text}` });
    } finally {
      await server.destroy();
    }
  });

  it('replaces workers that die while the broker refuses, serves HTTP, and joins when it takes them again', async () => {
    const server = await broker.start();
    try {
      const app = await launch(server);
      const { port } = await app.waitForReport('control');
      const members = async () => JSON.parse((await request(`http://localhost:${port}/members`)).text).value;
      const waitForMembers = (size: number) =>
        eventually(async () => (await members()).length === size && members(), {
          what: () => `${size} members\n${app.output.text}`,
        });
      const before = await waitForMembers(WORKERS);
      await server.kill();
      await server.restart(broker.strange);
      await app.waitForLine(/refuses the connection/);
      for (const { pid } of before) process.kill(pid, 'SIGKILL');
      const pids = new Set(before.map(({ pid }: { pid: number }) => pid));
      const served = async () => {
        const { status, text } = await request(app.url);
        return status === 200 && !pids.has(JSON.parse(text).pid);
      };
      await eventually(() => served().catch(() => false), { what: () => `HTTP\n${app.output.text}` });
      expect(app.output.text).not.toMatch(/exited with code/);
      await server.kill();
      await server.restart();
      await waitForMembers(WORKERS);
    } finally {
      await server.destroy();
    }
  });

  it.each(broker.refusals)('is refused where $why, with what to change', async ({ args, message }) => {
    const server = await broker.start(args);
    try {
      const app = await launch(server);
      await app.waitForLine(message);
      expect((await app.waitForExit()).code).not.toBe(0);
    } finally {
      await server.destroy();
    }
  });
}
