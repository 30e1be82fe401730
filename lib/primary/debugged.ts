import inspector from 'node:inspector';
import type { ForkOptions } from '../options/cluster-options.interface.js';
import { nodeOptions } from '../platform/environment.js';

/** --inspect, --inspect-brk, --inspect-wait, --inspect-port, --debug-port; each with or without a value. */
const INSPECTS = /(^|\s)--(inspect(-brk|-wait|-port)?|debug-port)(=|\s|$)/;

/** What says that a debugger may hold a worker before it can tell so itself. */
interface Signs {
  /** Node's own arguments in a worker. */
  readonly execArgv: readonly string[];
  /** NODE_OPTIONS in a worker. */
  readonly nodeOptions: string | undefined;
  /** A debugger can attach to this process: an editor that attaches to children does so to the workers. */
  readonly isPrimaryInspected: boolean;
}

/**
 * Whether a debugger may stop the workers while they boot (`--inspect-brk`, a breakpoint in main.ts). One that is stopped
 * before its first heartbeat cannot say that an inspector is open, and would be taken for one that fails to boot.
 */
export function mayBeHeldAtBoot(signs: Signs): boolean {
  if (signs.isPrimaryInspected) return true;
  return [...signs.execArgv, signs.nodeOptions ?? ''].some((text) => INSPECTS.test(text));
}

/** The signs in this process, a primary that forks as `fork` says. */
export function debugSigns(fork: ForkOptions): Signs {
  return {
    execArgv: fork.execArgv ?? process.execArgv,
    nodeOptions: fork.env?.['NODE_OPTIONS'] ?? nodeOptions(),
    isPrimaryInspected: inspector.url() !== undefined,
  };
}
