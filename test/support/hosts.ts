import { fixture } from './environment.js';
import { eventually } from './eventually.js';
import { type CallResult, type ClusterMember, FixtureApp, type FixtureOptions } from './fixture-app.js';
import type { Report } from './output.js';
import type { Apps } from './use-apps.js';

/** The lease of tasks and claims that the fixture app asks for, in ms. */
export const LEASE = 2_000;

/** How many workers each host has. */
export const WORKERS = 2;

export interface HostMember extends ClusterMember {
  readonly host: string;
  readonly load?: { readonly inFlight: number; readonly utilisation: number; readonly rss: number };
}

/** Several primaries with their workers, each a "host" of its own name, on one broker. */
export class Hosts {
  private constructor(readonly all: ReadonlyMap<string, FixtureApp>) {}

  /** Resolves when all workers of all hosts know each other. */
  static async start(
    apps: Apps,
    env: Readonly<Record<string, string>>,
    cluster: FixtureOptions['cluster'] = {},
    { names = ['a', 'b'], shared = false }: { readonly names?: readonly string[]; readonly shared?: boolean } = {},
  ): Promise<Hosts> {
    const all = new Map<string, FixtureApp>();
    for (const name of names) {
      const size = (all.size + 1) * WORKERS;
      const entry = fixture('many-hosts/main');
      const options = { entry, env: { ...env, HOST_NAME: name }, cluster, silentHttp: true, shared };
      all.set(name, await FixtureApp.start(apps, options, size));
    }
    const hosts = new Hosts(all);
    await hosts.waitUntilFull();
    return hosts;
  }

  get(name: string): FixtureApp {
    return this.all.get(name)!;
  }

  /** What every primary has to say, for a failure. */
  get text(): string {
    return [...this.all].map(([name, app]) => `--- host ${name}\n${app.process.output.text}`).join('\n');
  }

  /** Resolves when every host sees all workers of all hosts. */
  async waitUntilFull(): Promise<HostMember[]> {
    const size = this.all.size * WORKERS;
    const full = async () => {
      const seen = await Promise.all([...this.all.values()].map((app) => app.members()));
      return seen.every(({ length }) => length === size) && (seen[0] as HostMember[]);
    };
    return eventually(full, { what: () => `${size} members everywhere\n${this.text}` });
  }

  /** A messenger call in the primary of a host. */
  call(host: string, method: string, ...args: unknown[]): Promise<CallResult> {
    return this.get(host).call('primary', method, ...args);
  }

  /** All reports of a kind, of all hosts. */
  reports(kind: string): Report[] {
    return [...this.all.values()].flatMap((app) => app.process.output.reports(kind));
  }

  /** Resolves to the first report of the kind that matches, on whichever host. */
  async report(kind: string, matches: (report: Report) => boolean = () => true, timeout?: number): Promise<Report> {
    return eventually(() => this.reports(kind).find(matches), {
      ...(timeout === undefined ? {} : { timeout }),
      what: () => `report @${kind} with ${String(matches)}\n${this.text}`,
    });
  }

  /** The runs of task `n`, of all hosts. */
  runs(n: number): Report[] {
    return this.reports('run').filter((run) => run['n'] === n);
  }

  /** Those runs, once `count` of them were reported: the answer to a call may come before what its run wrote. */
  async ran(n: number, count = 1): Promise<Report[]> {
    await eventually(() => this.runs(n).length >= count, { what: () => `${count} run(s) of ${n}\n${this.text}` });
    return this.runs(n);
  }

  /** The attempts of task `n`, of all hosts, in order. */
  attempts(n: number): number[] {
    return this.runs(n)
      .map(({ attempt }) => attempt as number)
      .sort((a, b) => a - b);
  }

  /** Resolves when the `attempt`th run of task `n` has begun. */
  running(n: number, attempt = 1): Promise<Report> {
    return this.report('run', (run) => run['n'] === n && run['attempt'] === attempt);
  }

  /** How many lines of all hosts match. */
  linesLike(pattern: RegExp): string[] {
    return [...this.all.values()].flatMap((app) => app.process.output.lines.filter((line) => pattern.test(line)));
  }
}
