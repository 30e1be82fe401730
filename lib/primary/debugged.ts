import inspector from 'node:inspector';
import type { ForkOptions } from '../options/cluster-options.interface.js';
import { nodeOptions } from '../platform/environment.js';

/** --inspect, --inspect-brk, --inspect-wait, --inspect-port, --debug-port; each with or without a value. */
const INSPECTS = /(^|\s)--(inspect(-brk|-wait|-port)?|debug-port)(=|\s|$)/;

/** The signs that a debugger may stop a worker before the worker itself can report it. */
interface Signs {
  /** Node's own arguments in a worker. */
  readonly execArgv: readonly string[];
  /** NODE_OPTIONS in a worker. */
  readonly nodeOptions: string | undefined;
  /**
   * Whether a debugger can attach to this process: an editor that attaches to child processes also does so to the
   * workers.
   */
  readonly isPrimaryInspected: boolean;
}

/**
 * Whether a debugger may stop the workers while they boot (`--inspect-brk`, a breakpoint in main.ts). A worker that is
 * stopped before its first heartbeat cannot report that an inspector is open, and would be treated as one that does not
 * boot in time.
 */
export function mayBeHeldAtBoot(signs: Signs): boolean {
  if (signs.isPrimaryInspected) return true;
  return [...signs.execArgv, signs.nodeOptions ?? ''].some((text) => INSPECTS.test(text));
}

/** The signs in this process, if it forks workers with the options `fork`. */
export function debugSigns(fork: ForkOptions): Signs {
  return {
    execArgv: fork.execArgv ?? process.execArgv,
    nodeOptions: fork.env?.['NODE_OPTIONS'] ?? nodeOptions(),
    isPrimaryInspected: inspector.url() !== undefined,
  };
}
