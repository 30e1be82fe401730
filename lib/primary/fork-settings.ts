import type { ClusterSettings } from 'node:cluster';
import type { ForkOptions } from '../options/cluster-options.interface.js';

type Stdio = NonNullable<ClusterSettings['stdio']>;

/** An entry of `stdio` for stdout or stderr. */
export type OutputEntry = number | 'pipe' | 'inherit';

/** Settings for `cluster.setupPrimary`, and where the worker finds its end of the bus. */
export interface ForkSettings {
  readonly settings: ClusterSettings;
  /** File descriptor of the bus in the worker. */
  readonly busFd: number;
  /** Whether the options leave the workers' output to us. */
  readonly ownsOutput: boolean;
  /** The entries of a worker's `stdio`. */
  stdio(stdout: OutputEntry, stderr: OutputEntry): Stdio;
}

/**
 * The user's settings of node:cluster with the bus added: an extra pipe at the end of `stdio`, private to
 * the two processes and gone with them.
 */
export function forkSettings(fork: ForkOptions): ForkSettings {
  const { env: _perFork, stdio, args, execArgv, silent, ...others } = fork;
  const entries = (stdout: OutputEntry, stderr: OutputEntry) =>
    [...(stdio ?? [silent ? 'pipe' : 'inherit', stdout, stderr, 'ipc']), 'pipe'] as Stdio;
  return {
    settings: {
      ...others,
      ...(args ? { args: [...args] } : {}),
      ...(execArgv ? { execArgv: [...execArgv] } : {}),
      ...(silent === undefined ? {} : { silent }),
      stdio: entries(silent ? 'pipe' : 'inherit', 'pipe'),
    },
    busFd: stdio?.length ?? 4,
    ownsOutput: stdio === undefined && !silent,
    stdio: entries,
  };
}
