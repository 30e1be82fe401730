/** What Nest makes while it awaits `forRoot`: how the app is started. */
export type BootKind = 'application' | 'microservice' | 'context' | 'repl' | 'preview' | 'test';

/** What is known of this process and of the boot, before the options are. */
export interface BootFacts {
  /** A primary of ours forked this process to be its worker. */
  readonly isWorker: boolean;
  /** Undefined where no boot of Nest's awaits `forRoot`, as far as can be seen. */
  readonly kind: BootKind | undefined;
  readonly isMainThread: boolean;
  /** What NESTJS_CLUSTER says. */
  readonly clusterSwitch: 'on' | 'off' | undefined;
  /** A process of a cluster of ours started this one, or one of its ancestors. */
  readonly isDescendant: boolean;
  /** node:cluster forked this process, and it was not us. */
  readonly hasForeignPrimary: boolean;
  /** The environment is that of a test runner. */
  readonly isTestRun: boolean;
  /** There is a script that a worker can be started with. */
  readonly hasMainScript: boolean;
  /** The program that runs this process and has imported the app, such as a dev server; undefined where the app runs itself. */
  readonly host: string | undefined;
}

/** The options that have a say. */
export interface BootOptions {
  readonly enabled: boolean | undefined;
  readonly contexts: boolean;
  /** Workers run a script that the user has named (`fork.exec`), and not this process's main script. */
  readonly hasOwnScript: boolean;
}

export type StandaloneReason =
  | 'switched-off'
  | 'disabled'
  | 'thread'
  | 'preview'
  | 'repl'
  | 'test'
  | 'unknown-boot'
  | 'descendant'
  | 'context'
  | 'test-run'
  | 'no-script'
  | 'hosted';

export type RoleChoice =
  | { readonly role: 'worker' | 'primary' }
  | { readonly role: 'standalone'; readonly reason: StandaloneReason }
  | { readonly role: 'refused'; readonly reason: 'foreign-primary' | 'no-script' };

/** Options under which nothing is standalone that need not be. */
export const MOST_WILLING: BootOptions = { enabled: true, contexts: true, hasOwnScript: true };

/**
 * Who a process is that boots an application with the module in it. The primary is the main thread of a process
 * that no cluster of ours started, which boots an application or a microservice by its own main script. Only such
 * a process can be started once more as a worker, and is meant to be.
 */
export function chooseRole(facts: BootFacts, options: BootOptions): RoleChoice {
  if (facts.isWorker) return { role: 'worker' };
  const obstacle = obstacleOf(facts);
  if (obstacle) return standalone(obstacle);
  if (facts.clusterSwitch === 'off') return standalone('switched-off');
  const hasScript = facts.hasMainScript || options.hasOwnScript;
  if (facts.clusterSwitch === 'on') {
    if (facts.hasForeignPrimary) return { role: 'refused', reason: 'foreign-primary' };
    return hasScript ? { role: 'primary' } : { role: 'refused', reason: 'no-script' };
  }
  if (options.enabled === false) return standalone('disabled');
  if (facts.kind === 'test') return standalone('test');
  if (facts.isDescendant) return standalone('descendant');
  if (facts.kind === undefined) return standalone('unknown-boot');
  if (facts.kind === 'context' && !options.contexts) return standalone('context');
  if (facts.hasForeignPrimary) return { role: 'refused', reason: 'foreign-primary' };
  if (facts.isTestRun && options.enabled !== true) return standalone('test-run');
  if (!hasScript) return standalone('no-script');
  if (facts.host !== undefined && !options.hasOwnScript) return standalone('hosted');
  return { role: 'primary' };
}

/** What no option and no environment can make a primary: it cannot fork, or there is nothing to run. */
function obstacleOf({ isMainThread, kind }: BootFacts): StandaloneReason | undefined {
  if (!isMainThread) return 'thread';
  return kind === 'preview' || kind === 'repl' ? kind : undefined;
}

function standalone(reason: StandaloneReason): RoleChoice {
  return { role: 'standalone', reason };
}
