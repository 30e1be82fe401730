import cluster, { type Worker } from 'node:cluster';
import type { Readable } from 'node:stream';
import { type Clock, sleep } from '../../platform/clock.js';
import type { ForkSettings } from '../processes/fork-settings.js';
import { type OutputPipe, outputPipes } from './output-pipes.js';
import type { Destination, PrimaryOutput } from './primary-output.js';
import { WorkerOutput, WorkerStream } from './worker-output.js';

/** How long the primary waits at its end for a reader that takes nothing, in ms. */
const STUCK_AFTER = 1_000;

/**
 * How long the primary waits at its end for a stream that is silent, in ms: a child process that a worker left behind
 * may hold it open.
 */
const QUIET_AFTER = 300;

/** How long the primary waits at its end for a slow reader, in ms. */
const FLUSH_TIMEOUT = 10_000;

const LOOK_INTERVAL = 10;

/** Gives each forked worker its stdout and stderr, and passes on what the worker writes to them. */
export class OutputRelay {
  private readonly outputs = new Set<WorkerOutput>();

  constructor(
    private readonly output: PrimaryOutput,
    private readonly settings: ForkSettings,
    private readonly silent: boolean,
    private readonly clock: Clock,
  ) {}

  /**
   * Whether a worker's stdout and stderr are pipes that only this worker writes to: then it may wait while it writes.
   */
  get piped(): readonly [boolean, boolean] {
    const { ownsOutput } = this.settings;
    return [ownsOutput && this.output.stdout !== undefined, ownsOutput && this.output.stderr !== undefined];
  }

  /** Forks a worker by calling `fork`. The worker gets streams of its own if the lines of several writers could mix. */
  fork(fork: () => Worker): { worker: Worker; output: WorkerOutput } {
    const [stdout, stderr] = this.piped;
    const pipes = outputPipes(Number(stdout) + Number(stderr));
    const [out, err] = [stdout ? pipes.shift() : undefined, stderr ? pipes.shift() : undefined];
    if (this.settings.ownsOutput) {
      // node:cluster reads the streams of the next worker from here; setupPrimary would emit 'setup' for the change.
      cluster.settings.stdio = this.settings.stdio(out?.entry ?? 'inherit', err?.entry ?? 'inherit');
    }
    let worker: Worker | undefined;
    try {
      worker = fork();
    } finally {
      // There is no worker that could write to them.
      if (worker?.process.pid === undefined) for (const pipe of [out, err]) pipe?.discard();
    }
    if (worker.process.pid === undefined) return { worker, output: new WorkerOutput(undefined, undefined) };
    const output = this.settings.ownsOutput ? this.relayed(worker, out, err) : this.users(worker);
    this.outputs.add(output);
    void output.ended.then(() => this.outputs.delete(output));
    return { worker, output };
  }

  /** Resolves when everything that the workers wrote is written, when no more output comes, or when nobody reads it. */
  async flush(): Promise<void> {
    let before = '';
    const until = this.clock.now() + FLUSH_TIMEOUT;
    for (let since = this.clock.now(); this.outputs.size > 0 || this.output.waiting > 0;) {
      const { waiting } = this.output;
      const now = `${waiting} ${[...this.outputs].reduce((sum, { count }) => sum + count, 0)}`;
      if (now !== before) since = this.clock.now();
      before = now;
      if (this.clock.now() >= Math.min(until, since + (waiting > 0 ? STUCK_AFTER : QUIET_AFTER))) return;
      await sleep(this.clock, LOOK_INTERVAL);
    }
  }

  private relayed({ process }: Worker, out: OutputPipe | undefined, err: OutputPipe | undefined): WorkerOutput {
    const stdout = this.stream(out?.reader(process.stdout), this.output.stdout);
    return new WorkerOutput(stdout, this.stream(err?.reader(process.stderr), this.output.stderr));
  }

  /**
   * The output of a worker whose streams the user has configured: a stderr that is a pipe is echoed, unless `silent` is
   * set.
   */
  private users({ process }: Worker): WorkerOutput {
    // Without a reader it would pile up here; listeners still get it.
    if (this.silent) process.stdout?.resume();
    const to = this.silent ? undefined : (this.output.stderr ?? STDERR);
    return new WorkerOutput(undefined, this.stream(process.stderr, to));
  }

  private stream(source: Readable | null | undefined, to: Destination | undefined): WorkerStream | undefined {
    return source ? new WorkerStream(source, to, this.clock, this.output.format) : undefined;
  }
}

/** The primary's stderr if it is not a pipe: it never fills. */
const STDERR: Destination = {
  isFull: false,
  write: (lines) => void process.stderr.write(lines),
  room: (callback) => callback(),
};
