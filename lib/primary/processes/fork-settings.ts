import type { ClusterSettings } from 'node:cluster';
import type { ForkOptions } from '../../options/cluster-options.interface.js';

type Stdio = NonNullable<ClusterSettings['stdio']>;

/** An entry of `stdio` for stdout or stderr. */
export type OutputEntry = number | 'pipe' | 'inherit';

/** Settings for `cluster.setupPrimary`, and the place where the worker finds its end of the bus. */
export interface ForkSettings {
  readonly settings: ClusterSettings;
  /** File descriptor of the bus in the worker. */
  readonly busFd: number;
  /** Whether the options leave the workers' output to this package. */
  readonly ownsOutput: boolean;
  /**
   * The entries of a worker's `stdio` if `ownsOutput` is true. If a stream passes through this process, the worker also
   * gets, after the bus, the descriptor to which this process writes it: a worker that outlives the primary continues
   * to write there.
   */
  stdio(stdout: OutputEntry, stderr: OutputEntry): Stdio;
}

/**
 * The user's settings of node:cluster with the bus added: an additional pipe at the end of `stdio`, which only the two
 * processes have, and which is gone with them.
 */
export function forkSettings(fork: ForkOptions): ForkSettings {
  const { env: _perFork, stdio, args, execArgv, silent, ...others } = fork;
  const ownsOutput = stdio === undefined && !silent;
  return {
    settings: {
      ...others,
      ...(args ? { args: [...args] } : {}),
      ...(execArgv ? { execArgv: [...execArgv] } : {}),
      ...(silent === undefined ? {} : { silent }),
      stdio: [...(stdio ?? [silent ? 'pipe' : 'inherit', silent ? 'pipe' : 'inherit', 'pipe', 'ipc']), 'pipe'] as Stdio,
    },
    busFd: stdio?.length ?? 4,
    ownsOutput,
    stdio: (stdout, stderr) => [
      ...(['inherit', stdout, stderr, 'ipc', 'pipe'] as const),
      stdout === 'inherit' ? 'ignore' : 1,
      stderr === 'inherit' ? 'ignore' : 2,
    ],
  };
}
