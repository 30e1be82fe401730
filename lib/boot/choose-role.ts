/** What Nest is creating when it awaits `forRoot`: how the app is started. */
export type BootKind = 'application' | 'microservice' | 'context' | 'repl' | 'preview' | 'test';

/** What is known about this process and the boot before the options are known. */
export interface BootFacts {
  /** A primary of this package forked this process as its worker. */
  readonly isWorker: boolean;
  /** Undefined if no boot of Nest is known to await `forRoot`. */
  readonly kind: BootKind | undefined;
  readonly isMainThread: boolean;
  /** The value of NESTJS_CLUSTER. */
  readonly clusterSwitch: 'on' | 'off' | undefined;
  /** A process of one of this package's clusters started this process, or one of its ancestors. */
  readonly isDescendant: boolean;
  /** node:cluster forked this process, but this package did not. */
  readonly hasForeignPrimary: boolean;
  /** A test runner started this process, according to the environment. */
  readonly isTestRun: boolean;
  /** There is a script with which a worker can be started. */
  readonly hasMainScript: boolean;
  /**
   * The program that runs this process and has imported the app, such as a dev server; undefined if the app runs
   * itself.
   */
  readonly host: string | undefined;
}

/** The options that matter for the decision. */
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

/** The options under which a process is standalone only if it must be. */
export const MOST_WILLING: BootOptions = { enabled: true, contexts: true, hasOwnScript: true };

/**
 * Decides the role of a process that boots an application with the module. The primary is the main thread of a process
 * that no cluster of this package started, and that boots an application or a microservice by its own main script. Only
 * such a process can be started again as a worker.
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

/** Reasons that no option and no environment can override: the process cannot fork, or there is nothing to run. */
function obstacleOf({ isMainThread, kind }: BootFacts): StandaloneReason | undefined {
  if (!isMainThread) return 'thread';
  return kind === 'preview' || kind === 'repl' ? kind : undefined;
}

function standalone(reason: StandaloneReason): RoleChoice {
  return { role: 'standalone', reason };
}
