import { randomUUID } from 'node:crypto';
import type { AppOptions, AppProcess, WorkerIdentity } from './app-process.js';
import { fixture } from './environment.js';
import { eventually } from './eventually.js';
import { request } from './http-client.js';
import type { Report } from './output.js';
import type { Apps } from './use-apps.js';

export interface FixtureOptions extends Partial<AppOptions> {
  /** Main file of the fixture app: 'express' by default. */
  readonly main?: 'express' | 'fastify' | 'https' | 'context' | 'microservice' | 'exec-target';
  /** Options that go over the fixture's own: 2 workers and short times. */
  readonly cluster?: { readonly workers?: number; readonly [option: string]: unknown };
  /** It lives as long as the describe or file, not only for a test. */
  readonly shared?: boolean;
  /** Its workers are not asked over HTTP whether they are ready. */
  readonly silentHttp?: boolean;
}

/** A ready worker, as the primary's ClusterService sees it. */
export interface ClusterMember {
  readonly id: number;
  readonly slot: number;
  readonly generation: number;
  readonly pid: number;
  readonly state: 'ready' | 'suspect';
  readonly suspect: boolean;
}

/** How a messenger call in some process ended. */
export interface CallResult {
  readonly value?: any;
  readonly error?: any;
  /** How long it took, in ms. */
  readonly elapsed: number;
}

/** Mains that serve no HTTP; they are spoken to through the primary. */
const SILENT: ReadonlySet<string> = new Set(['context', 'microservice']);

/** The fixture app `test/e2e/fixtures/src/app`, ready, and what a test can ask of its primary and its workers. */
export class FixtureApp {
  private constructor(
    readonly process: AppProcess,
    private readonly control: string,
    /** How many workers it has. */
    readonly size: number,
    private readonly speaksHttp: boolean,
  ) {}

  /** Resolves when it is ready; `size` says with how many workers where the machine decides it. */
  static async start(
    apps: Apps,
    options: FixtureOptions = {},
    size = options.cluster?.workers ?? 2,
  ): Promise<FixtureApp> {
    const { main = 'express', shared, silentHttp = SILENT.has(main), ...rest } = options;
    const launch = { entry: fixture(`app/${main}.main`), ...rest };
    const process = shared ? await apps.share(launch) : await apps.start(launch);
    const { port } = await process.waitForReport('control');
    const app = new FixtureApp(process, `http://localhost:${port}`, size, !silentHttp);
    await app.waitUntilFull();
    return app;
  }

  /** Resolves to the ready workers when every slot has one and, over HTTP, all of them know each other. */
  async waitUntilFull(size = this.size): Promise<ClusterMember[]> {
    await eventually(async () => (await this.members()).length === size, {
      what: () => `${size} members\n--- output\n${this.process.output.text}`,
    });
    if (this.speaksHttp) await this.process.waitUntilReady(size);
    return this.members();
  }

  /** Asks the primary; rejects with what it failed with. */
  async primary(path: string, body?: unknown): Promise<any> {
    const method = body === undefined ? 'GET' : 'POST';
    const { text } = await request(this.control + path, { method, body });
    const { value, error } = JSON.parse(text) as CallResult;
    if (error) throw Object.assign(new Error(error.message as string), error);
    return value;
  }

  members(): Promise<ClusterMember[]> {
    return this.primary('/members');
  }

  async member(slot: number): Promise<ClusterMember> {
    const found = (await this.members()).find((member) => member.slot === slot);
    if (!found) throw new Error(`no ready worker in slot ${slot}\n--- output\n${this.process.output.text}`);
    return found;
  }

  identify(slot: number): Promise<WorkerIdentity> {
    return this.process.jsonFrom(slot, '/');
  }

  /** A messenger call in the worker of a slot or in the primary. */
  call(from: number | 'primary', method: string, ...args: unknown[]): Promise<CallResult> {
    const body = { method, args };
    if (from === 'primary') return this.primary('/call', body);
    return this.process.jsonFrom(from, '/call', { method: 'POST', body });
  }

  /** One of the fixture's own messenger calls, whose arguments are no JSON. */
  special(from: number, name: string, query = ''): Promise<CallResult> {
    return this.process.jsonFrom(from, `/special/${name}${query}`, { method: 'POST' });
  }

  /** A reload asked for by the worker of a slot. */
  reloadFrom(slot: number): Promise<CallResult> {
    return this.process.jsonFrom(slot, '/reload', { method: 'POST' });
  }

  /** Calls a method of node:cluster's Worker in the primary. */
  onWorker(pid: number, method: string, ...args: unknown[]): Promise<any> {
    return this.primary('/worker', { pid, method, args });
  }

  /** Resolves when another worker than `pid` is ready in the slot. */
  async waitForReplacement({ slot, pid }: { slot: number; pid: number }): Promise<ClusterMember> {
    return eventually(async () => (await this.members()).find((one) => one.slot === slot && one.pid !== pid), {
      what: () => `another worker in slot ${slot}\n--- output\n${this.process.output.text}`,
    });
  }

  /** Resolves when no ready worker is one of `old`, and every slot has one. */
  async waitUntilReplaced(old: readonly ClusterMember[]): Promise<ClusterMember[]> {
    const pids = new Set(old.map(({ pid }) => pid));
    return eventually(
      async () => {
        const members = await this.members();
        return members.length === old.length && members.every(({ pid }) => !pids.has(pid)) && members;
      },
      { what: () => `all workers replaced\n--- output\n${this.process.output.text}` },
    );
  }

  /** Resolves when all that the workers have written so far was read. */
  async flush(): Promise<void> {
    const token = randomUUID();
    for (const { slot } of await this.members()) {
      await this.process.jsonFrom(slot, `/flush?token=${token}`);
      await this.process.waitForReport('flush', (report) => report['slot'] === slot && report['token'] === token);
    }
  }

  /** The events of node:cluster that the primary saw, in order. */
  workerEvents(after = 0): Report[] {
    return this.process.output.reports('worker-event', after);
  }

  waitForWorkerEvent(event: string, pid: number, after = 0): Promise<Report> {
    return this.process.waitForReport(
      'worker-event',
      (report) => report['event'] === event && report['pid'] === pid,
      after,
    );
  }

  get mark(): number {
    return this.process.output.mark;
  }
}
