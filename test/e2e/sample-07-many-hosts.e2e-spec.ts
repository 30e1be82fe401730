import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type AppProcess,
  type Apps,
  type BrokerServer,
  describeOver,
  eventually,
  freePort,
  isRunning,
  NATS,
  REDIS,
  request,
  sample,
  useApps,
} from '../support/index.js';
import { pidsWithEnvironment } from '../support/process-table.js';

const EVERYBODY = ['a0', 'a1', 'b0', 'b1'];
const ENTRY = sample('07-many-hosts');

interface Place {
  readonly host: string;
  readonly slot: number;
}

interface Worker extends Place {
  readonly pid: number;
  readonly primary: number;
  readonly generation: number;
}

interface Stats extends Place {
  readonly pid: number;
  readonly leader: boolean;
  readonly computed: number;
}

const nameOf = ({ host, slot }: Place): string => `${host}${slot}`;

/** The balancer has the first of three ports, the hosts the others. */
async function threePorts(): Promise<number> {
  for (;;) {
    const [first, second, third] = [await freePort(), await freePort(), await freePort()];
    if (second === first + 1 && third === first + 2) return first;
  }
}

/** The running sample; its `app` is the launcher, and `app.url` the balancer's. */
class ManyHosts {
  /** All that it may leave on disk is in here. */
  private folder!: string;
  app!: AppProcess;

  /** Resolves when it has said what to curl. */
  async start(start: Apps['start'], env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.folder = mkdtempSync(join(tmpdir(), 'nestjs-cluster-sample-07-'));
    const own = { TMPDIR: this.folder, PORT: String(await threePorts()) };
    this.app = await start({ entry: ENTRY, env: { ...own, ...env } });
    await this.app.waitForLine(/^2 hosts with 2 workers each are ready/, 0, 60_000);
  }

  get files(): string[] {
    return readdirSync(this.folder);
  }

  /** Asks a host without the balancer. */
  async post(host: string, path: string): Promise<any> {
    const url = `http://localhost:${this.portOf(host)}${path}`;
    const { status, text } = await request(url, { method: 'POST' });
    if (status >= 400) throw new Error(`${url} answered ${status} ${text}\n--- output\n${this.app.output.text}`);
    return JSON.parse(text);
  }

  /** Pids of a host's primary, workers and what they started: no other process has its port. */
  processesOf(host: string): number[] {
    return pidsWithEnvironment(`PORT=${this.portOf(host)}`);
  }

  /** What each worker answers at `path`, when each of `names` has answered as `is` asks. */
  async fromEach<T extends Place>(path: string, is: (answer: T) => boolean = () => true, names = EVERYBODY) {
    const seen = new Map<string, T>();
    await eventually(
      async () => {
        const answer = (await this.app.json(path)) as T;
        if (is(answer)) seen.set(nameOf(answer), answer);
        return names.every((name) => seen.has(name));
      },
      { what: () => `${path} of ${names}, only ${[...seen.keys()]}\n--- output\n${this.app.output.text}` },
    );
    return names.map((name) => seen.get(name)!);
  }

  stats(): Promise<Stats[]> {
    return this.app.json('/map');
  }

  /** The one worker that leads among those of `names`, when there is one and they are all. */
  async leader(names = EVERYBODY): Promise<Stats> {
    const one = async () => {
      const stats = await this.stats();
      const leaders = stats.filter(({ leader }) => leader);
      return stats.map(nameOf).join() === names.join() && leaders.length === 1 && leaders[0];
    };
    return eventually(one, { what: () => `a leader of ${names}\n--- output\n${this.app.output.text}` });
  }

  /** Resolves when no process of it runs, and nothing of it is on disk. */
  async isGone(): Promise<void> {
    const gone = () => this.app.processes.length === 0 && this.files.length === 0;
    await eventually(gone, {
      what: () => `the end of ${this.app.processes}, ${this.files}\n--- output\n${this.app.output.text}`,
    });
  }

  private portOf(host: string): number {
    return this.app.port + (host === 'a' ? 1 : 2);
  }

  clean(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const apps = useApps();

describeOver(NATS)('sample 07-many-hosts', () => {
  const hosts = useManyHosts();
  beforeAll(() => hosts.start(apps.share));

  it('says what to curl, at the address of the balancer', async () => {
    const invited = await hosts.app.waitForLine(/curl -X POST (\S+)\/reload/);
    expect(invited[1]).toBe(hosts.app.url);
  });

  it('the balancer: requests go to both hosts in turn, and to both workers of each', async () => {
    const [first, second, third] = [await hosts.app.json('/'), await hosts.app.json('/'), await hosts.app.json('/')];
    expect(new Set([first.host, second.host])).toEqual(new Set(['a', 'b']));
    expect(third.host).toBe(first.host);

    const workers = await hosts.fromEach<Worker>('/');
    expect(new Set(workers.map(({ pid }) => pid)).size).toBe(4);
    expect(new Set(workers.map(({ primary }) => primary)).size).toBe(2);
  });

  it('members: the four workers of both hosts', async () => {
    const members: Worker[] = await hosts.app.json('/members');
    expect(members.map(nameOf)).toEqual(EVERYBODY);
    const workers = await hosts.fromEach<Worker>('/');
    expect(members.map(({ pid }) => pid)).toEqual(workers.map(({ pid }) => pid));
  });

  it('broadcast: every worker of both hosts hears it, once', async () => {
    expect(await hosts.app.json('/broadcast/hello', { method: 'POST' })).toEqual({ told: 4 });
    const heard = await hosts.fromEach<Place & { notes: string[] }>('/notes', ({ notes }) => notes.length > 0);
    for (const { notes } of heard) expect(notes).toEqual(['hello']);
  });

  it('consume: exactly one worker of the four computes, and its result comes back', async () => {
    const before = (await hosts.stats()).map(({ computed }) => computed);
    const { value, ...place } = await hosts.app.json('/consume/40', { method: 'POST' });
    expect(value).toBe(102_334_155);
    const after = await hosts.stats();
    const ran = after.filter(({ computed }, index) => computed !== before[index]);
    expect(ran.map(nameOf)).toEqual([nameOf(place)]);
    expect(ran[0]!.computed).toBe(before[after.indexOf(ran[0]!)]! + 1);
  });

  it('map: four answers, in order of hosts and slots, and one of them leads', async () => {
    expect((await hosts.stats()).map(nameOf)).toEqual(EVERYBODY);
    await hosts.leader();
  });

  it('runOnce: asked for on both hosts at the same time and later, it runs once', async () => {
    const ask = () => hosts.app.json('/once/migrate-7', { method: 'POST' }) as Promise<Place>;
    const answers = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(ask));
    answers.push(await hosts.post('a', '/once/migrate-7'), await hosts.post('b', '/once/migrate-7'));
    const { host, slot } = answers[0]!;
    for (const answer of answers) expect(answer).toEqual({ host, slot });
    const runs = hosts.app.output.lines.filter((line) => line.endsWith(' runs migrate-7'));
    expect(runs).toEqual([`host ${host}, slot ${slot} runs migrate-7`]);
  });

  it('a reload of one host under requests: none fails, and the other host keeps its workers', async () => {
    const before = await hosts.fromEach<Worker>('/');
    const loads = [true, false].map((keepAlive) => hosts.app.load('/', { rate: 25, keepAlive }));
    for (const load of loads) await load.answered(5);
    const report = await hosts.post('a', '/reload');
    for (const load of loads) await load.answered(5);
    for (const load of loads) {
      const { sent, ok, failures } = await load.finish();
      expect({ ok, failures }).toEqual({ ok: sent, failures: {} });
    }

    expect(report.host).toBe('a');
    expect(report.replaced.map(({ oldPid }: { oldPid: number }) => oldPid)).toEqual([before[0]!.pid, before[1]!.pid]);
    const after = await hosts.fromEach<Worker>('/', ({ host, generation }) => generation === (host === 'a' ? 2 : 1));
    expect(after.slice(2)).toEqual(before.slice(2));
  });

  it('kill -9 of the primary that has the leader: its workers end, the others go on and one of them leads', async () => {
    const { host: lost } = await hosts.leader();
    const other = lost === 'a' ? 'b' : 'a';
    const left = [`${other}0`, `${other}1`];
    const workers = await hosts.fromEach<Worker>('/');
    const theirs = workers.filter(({ host }) => host === lost);
    const [, pid] = await hosts.app.waitForLine(new RegExp(`^host ${lost}: .* its primary is pid (\\d+)`));
    expect(theirs.map(({ primary }) => primary)).toEqual([Number(pid), Number(pid)]);

    const { mark } = hosts.app.output;
    process.kill(Number(pid), 'SIGKILL');
    await hosts.app.waitForLine(new RegExp(`^host ${lost} has ended with SIGKILL`), mark);
    await hosts.app.waitForLine(new RegExp(`^host ${other} knows: ${left.join(' ')}$`), mark);
    await eventually(() => hosts.processesOf(lost).length === 0, {
      what: () => `the end of ${hosts.processesOf(lost)}\n--- output\n${hosts.app.output.text}`,
    });

    const load = hosts.app.load('/', { rate: 50, keepAlive: false });
    await load.answered(20);
    const { sent, ok, failures } = await load.finish();
    expect({ ok, failures }).toEqual({ ok: sent, failures: {} });
    expect((await hosts.app.json('/members')).map(nameOf)).toEqual(left);
    await hosts.leader(left);
    expect((await hosts.app.json('/consume/40', { method: 'POST' })).host).toBe(other);
  });

  it('SIGTERM: the host that is left stops gracefully, then the broker; no process and no file is left', async () => {
    expect(hosts.files).toHaveLength(1);
    expect(await hosts.app.stop()).toEqual({ code: 0, signal: null });
    expect(hosts.files).toEqual([]);
    const ended = hosts.app.output.lines.filter((line) => /^host . has ended with/.test(line));
    expect(ended.at(-1)).toMatch(/with 0$/);
  });
});

/** The sample for one test, that starts it. */
function useManyHosts(): ManyHosts {
  const hosts = new ManyHosts();
  afterAll(() => hosts.clean());
  return hosts;
}

describeOver(NATS)('sample 07-many-hosts, Ctrl-C at a terminal', () => {
  const hosts = useManyHosts();

  it('everybody in the foreground gets it, and both hosts end gracefully', async () => {
    await hosts.start((options) => apps.start({ ...options, group: true }));
    hosts.app.killGroup('SIGINT');
    expect(await hosts.app.waitForExit()).toEqual({ code: 0, signal: null });
    await hosts.isGone();
    const ended = hosts.app.output.lines.filter((line) => /^host . has ended with/.test(line));
    expect(new Set(ended)).toEqual(new Set(['host a has ended with 0', 'host b has ended with 0']));
    expect(ended).toHaveLength(2);
  });
});

describeOver(NATS)('sample 07-many-hosts, kill -9 of the launcher', () => {
  const hosts = useManyHosts();

  it('the hosts end gracefully, with their broker to the end; no process and no file is left', async () => {
    await hosts.start(apps.start);
    const { mark } = hosts.app.output;
    hosts.app.kill('SIGKILL');
    await hosts.isGone();
    const said = hosts.app.output.lines.slice(mark);
    expect(said.filter((line) => line.includes('SIGTERM: the cluster stops'))).toHaveLength(2);
    expect(said.filter((line) => /WARN|ERROR/.test(line))).toEqual([]);
  });
});

for (const broker of [NATS, REDIS]) {
  describeOver(broker)(`sample 07-many-hosts, a ${broker.name} that runs already`, () => {
    const hosts = useManyHosts();
    let server: BrokerServer;
    beforeAll(async () => void (server = await broker.start()));
    afterAll(() => server.destroy());

    it('is used, and left running', async () => {
      await hosts.start(apps.start, broker.env(server));
      expect((await hosts.stats()).map(nameOf)).toEqual(EVERYBODY);
      expect(hosts.files).toEqual([]);
      expect(await hosts.app.stop()).toEqual({ code: 0, signal: null });
      expect(isRunning(server.pid)).toBe(true);
    });
  });
}

describe('sample 07-many-hosts, nats-server is not installed', () => {
  it('says what to do, and ends', async () => {
    const app = await apps.start({ entry: ENTRY, env: { PATH: '/nonexistent' } });
    await app.waitForLine(/nats-server is not installed.*apt-get install nats-server.*NATS_URL=/);
    expect(await app.waitForExit()).toEqual({ code: 1, signal: null });
    app.assertNothingLeft();
  });
});
