import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { NODE, userEnvironment } from './environment.js';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { type HttpReply, request, type RequestOptions } from './http-client.js';
import { Load, type LoadOptions } from './load.js';
import { Output, parseReport, type Report } from './output.js';
import { PATIENCE } from './patience.js';
import { childrenOf, isRunning, pidsWithEnvironment } from './process-table.js';

/** Time in ms in which what an ended process has written is read. */
const LAST_WORDS = 1_000;

/** How often a request is sent to reach a certain worker; the connections are spread over all of them. */
const MISDIRECTED_TRIES = 500;

export interface AppOptions {
  /** The built main file: `sample(…)` or `fixture(…)`. */
  readonly entry: string;
  readonly args?: readonly string[];
  /** Node's own arguments, such as `--watch`. */
  readonly execArgv?: readonly string[];
  /** Environment variables; PORT is a free one where it is not named. */
  readonly env?: Readonly<Record<string, string>>;
  /** Options a fixture app passes to `ClusterModule.forRoot`. */
  readonly cluster?: unknown;
  readonly cwd?: string;
  readonly protocol?: 'http' | 'https';
  /** A process group of its own, so that a terminal's Ctrl-C can be played: a signal to all of it. */
  readonly group?: boolean;
  /** Descriptors that its output goes to, instead of `output`. */
  readonly stdout?: number;
  readonly stderr?: number;
  /** It has an IPC channel to the test, as to a process manager: see `messages` and `send`. */
  readonly ipc?: boolean;
  /** A command that starts node, such as `['taskset', '-c', '0']`. */
  readonly launcher?: readonly string[];
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How a worker introduces itself at GET /. */
export interface WorkerIdentity {
  readonly pid: number;
  readonly slot: number;
  readonly generation: number;
  readonly [key: string]: any;
}

/** An app under test, as the real processes that a user's shell would start. */
export class AppProcess {
  readonly output = new Output();
  /** Resolves when the primary has ended and all it wrote was read. */
  readonly exited: Promise<Exit>;
  exit: Exit | undefined;
  /** What has come over its IPC channel. */
  readonly messages: unknown[] = [];
  private readonly loads: Load[] = [];

  private constructor(
    private readonly child: ChildProcess,
    /** Environment entry that only this app's processes have. */
    private readonly badge: string,
    readonly url: string,
    readonly port: number,
  ) {
    for (const stream of [child.stdout, child.stderr]) if (stream) this.output.add(stream);
    child.on('message', (message) => this.messages.push(message));
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.exit = { code, signal };
        const done = () => {
          this.output.end(`the primary ended with ${code ?? signal}`);
          resolve({ code, signal });
        };
        // All it wrote is read by 'close', which would not come where a worker outlives it and holds the pipes.
        child.once('close', done);
        setTimeout(done, LAST_WORDS).unref();
      });
    });
  }

  static async start(options: AppOptions): Promise<AppProcess> {
    if (!existsSync(options.entry))
      throw new Error(`${options.entry} is missing. Run: npm run build && npm run build:samples`);
    const port = Number(options.env?.['PORT'] ?? (await freePort()));
    const id = randomUUID();
    const cluster = options.cluster === undefined ? {} : { CLUSTER_OPTIONS: JSON.stringify(options.cluster) };
    const env = { ...userEnvironment(), PORT: String(port), ...cluster, ...options.env, E2E_APP: id };
    const [command, ...args] = [
      ...(options.launcher ?? []),
      NODE,
      ...(options.execArgv ?? []),
      options.entry,
      ...(options.args ?? []),
    ];
    const output = [options.stdout ?? 'pipe', options.stderr ?? 'pipe'] as const;
    const stdio: StdioOptions = ['ignore', ...output, ...(options.ipc ? ['ipc' as const] : [])];
    const child = spawn(command!, args, { env, cwd: options.cwd, stdio, detached: options.group });
    return new AppProcess(child, `E2E_APP=${id}`, `${options.protocol ?? 'http'}://localhost:${port}`, port);
  }

  /** The primary's pid. */
  get pid(): number {
    return this.child.pid!;
  }

  /** Pids of the running workers. */
  get workers(): number[] {
    return childrenOf(this.pid);
  }

  /** Every running process of this app: primary, workers and whatever they started. */
  get processes(): number[] {
    return pidsWithEnvironment(this.badge);
  }

  // ---- what it writes

  waitForLine(pattern: RegExp, after = 0, timeout?: number): Promise<RegExpExecArray> {
    return this.output.wait(`line ${pattern}`, (line) => pattern.exec(line) ?? undefined, after, timeout);
  }

  /** Resolves to the first report of that kind, written from `after` on, that `matches`. */
  waitForReport(kind: string, matches: (report: Report) => boolean = () => true, after = 0): Promise<Report> {
    return this.output.wait(
      `report @${kind} with ${matches}`,
      (line) => {
        const report = parseReport(line);
        return report?.kind === kind && matches(report) ? report : undefined;
      },
      after,
    );
  }

  /** Nobody reads what it writes from now on: each write meets a pipe without an end. */
  closeOutput(): void {
    this.child.stdout!.destroy();
    this.child.stderr!.destroy();
  }

  // ---- what it answers

  /** One request, on a connection of its own unless an agent is given. */
  request(path: string, options?: RequestOptions): Promise<HttpReply> {
    return request(this.url + path, options);
  }

  /** One request whose answer must be JSON and no error. */
  async json(path: string, options?: RequestOptions): Promise<any> {
    const { status, text } = await this.request(path, options);
    if (status >= 400) throw new Error(`${path} answered ${status} ${text}\n--- output\n${this.output.text}`);
    return JSON.parse(text);
  }

  /**
   * Repeats a request until the worker of `slot` gets it; the others of a fixture app refuse it undone (421).
   * Any other failure is the caller's to see: the request is not sent again. Throws when a controller without the guard
   * that refuses (`OnlySlot`) has answered: it may have been any worker's.
   */
  async jsonFrom(slot: number, path: string, options: RequestOptions = {}): Promise<any> {
    const headers = { ...options.headers, 'x-only-slot': String(slot) };
    for (let tries = 0; tries < MISDIRECTED_TRIES; tries++) {
      const { status, text, headers: answered } = await this.request(path, { ...options, headers });
      if (status === 421) continue;
      if (answered['x-slot'] !== String(slot)) throw new Error(`nothing at ${path} refuses what is for another slot`);
      if (status >= 400) throw new Error(`${path} answered ${status} ${text}\n--- output\n${this.output.text}`);
      return JSON.parse(text);
    }
    throw new Error(`slot ${slot} was not reached in ${MISDIRECTED_TRIES} tries\n--- output\n${this.output.text}`);
  }

  /**
   * Resolves when `count` slots have answered at `path` and, where they say it, each knows all others.
   * Resolves to how they introduced themselves, by slot.
   */
  async waitUntilReady(count: number, path = '/'): Promise<WorkerIdentity[]> {
    const seen = new Map<number, WorkerIdentity>();
    return eventually(
      async () => {
        if (this.exit) throw new Error(`the primary ended with ${this.exit.code ?? this.exit.signal}`);
        const worker = (await this.json(path, { timeout: 2_000 })) as WorkerIdentity;
        if (worker['members'] === undefined || worker['members'] === count) seen.set(worker.slot, worker);
        return seen.size >= count && [...seen.values()].sort((a, b) => a.slot - b.slot);
      },
      {
        what: () =>
          `${count} workers ready at ${this.url}${path}, only ${[...seen.keys()]}\n--- output\n${this.output.text}`,
      },
    );
  }

  /** Begins to send requests to `path` until `finish()` is called on it. */
  load(path: string, options: LoadOptions): Load {
    const load = new Load(this.url + path, options);
    this.loads.push(load);
    return load;
  }

  // ---- how it ends

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Over its IPC channel; only for an app with `ipc`. */
  send(message: string): void {
    this.child.send(message);
  }

  /** To the primary and all its workers at once, as a terminal does; only for an app with `group`. */
  killGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** Waits for the primary's end; rejects with the output where it does not come. */
  async waitForExit(timeout = PATIENCE): Promise<Exit> {
    return eventually(() => this.exit && this.exited, {
      timeout,
      what: () => `the end of the primary\n--- output\n${this.output.text}`,
    });
  }

  /** Asks it to stop as an operator would. Rejects where a process of it outlives the primary. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.kill(signal);
    const exit = await this.waitForExit();
    this.assertNothingLeft();
    return exit;
  }

  /** Throws where the primary has ended and another process of this app still runs. */
  assertNothingLeft(): void {
    const left = this.processes;
    if (left.length > 0) throw new Error(`processes outlive the primary: ${left}\n--- output\n${this.output.text}`);
  }

  /** Ends every process of this app at once, by its pid, and every load on it. Resolves when the last is gone. */
  async destroy(): Promise<void> {
    await eventually(
      () => {
        const left = this.processes;
        for (const pid of left) killIfThere(pid);
        return left.length === 0 && !isRunning(this.pid);
      },
      { what: () => `the end of ${this.processes}` },
    );
    await this.exited;
    // A test that failed has not finished its own.
    await Promise.all(this.loads.map((load) => load.finish()));
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ESRCH: it has just ended by itself
  }
}
