import { basename, extname } from 'node:path';
import type { ResolvedClusterOptions } from '../options/cluster-options.interface.js';
import { ancestorCommands } from '../platform/ancestors.js';
import { inProduction, reportsDependencies } from '../platform/environment.js';

/** A program that restarts the app whenever a file changes, as in development. */
export interface Watcher {
  readonly name: string;
  /** Signals by which it asks the app to end, in addition to SIGTERM and SIGINT. */
  readonly stopSignals: readonly NodeJS.Signals[];
}

/** The signs by which a watcher is recognised. */
export interface Surroundings {
  readonly isProduction: boolean;
  /** Whether `node --watch` has started this process: it sets a variable in the environment. */
  readonly reportsDependencies: boolean;
  /** Command lines of the processes above this one, the nearest first. */
  readonly ancestors: readonly (readonly string[])[];
}

const ANY = /^/;
const WATCH_FLAG = /^(--watch|-w|--watch=true)$/m;

/**
 * Programs that watch files, by their name or that of their package, and the pattern that their arguments must match;
 * the arguments are joined by newlines.
 */
const WATCHERS: Readonly<Record<string, RegExp>> = {
  nest: WATCH_FLAG,
  tsx: /^watch(\n|$)/,
  nodemon: ANY,
  'ts-node-dev': ANY,
  tsnd: ANY,
  'node-dev': ANY,
  'tsc-watch': ANY,
  tsup: WATCH_FLAG,
  'vite-node': WATCH_FLAG,
  webpack: ANY,
  rspack: ANY,
  nx: /^(serve|watch)$|:serve(:|$)/m,
  bun: WATCH_FLAG,
  watchexec: ANY,
  chokidar: ANY,
  onchange: ANY,
  entr: ANY,
};

/**
 * The signals by which nodemon asks an app to end, unless it was given another one; it expects that the signal ends the
 * app.
 */
const NODEMON_SIGNALS = ['SIGUSR2', 'SIGHUP'] as const;

/**
 * The watcher under which this process was started; undefined if there is none, or if NODE_ENV is 'production'. It is
 * recognised by the command lines of the processes above this one, and `node --watch` by its environment variable, too.
 */
export function watcherAmong({ isProduction, reportsDependencies, ancestors }: Surroundings): Watcher | undefined {
  if (isProduction) return undefined;
  for (const command of ancestors) {
    const watcher = watcherOf(command);
    if (watcher) return watcher;
  }
  return reportsDependencies ? { name: 'node --watch', stopSignals: [] } : undefined;
}

function watcherOf(command: readonly string[]): Watcher | undefined {
  const [program = '', ...rest] = command;
  const isNode = /^node(js)?$/.test(nameOf(program));
  const script = isNode ? rest.findIndex((argument) => !argument.startsWith('-')) : -1;
  if (isNode) {
    const flags = script === -1 ? rest : rest.slice(0, script);
    const flag = flags.find((argument) => /^--watch(-path)?(=|$)/.test(argument));
    if (flag) return { name: 'node --watch', stopSignals: killSignal(flags) };
  }
  const args = isNode ? rest.slice(script + 1) : rest;
  // If a program has set its own title, the whole title is one argument.
  const names = isNode && script !== -1 ? namesOf(rest[script]!) : namesOf(program.split(' ')[0]!);
  for (const name of names) {
    const wanted = Object.hasOwn(WATCHERS, name) ? WATCHERS[name] : undefined;
    if (!wanted?.test(args.join('\n'))) continue;
    return { name, stopSignals: name === 'nodemon' ? NODEMON_SIGNALS : [] };
  }
  return undefined;
}

/** The name of a script, and the name of the package to which it belongs. */
function namesOf(path: string): string[] {
  const package_ = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
  const name = nameOf(path);
  if (package_ === undefined || package_ === '.bin') return [name];
  return [name, package_.replace('@nestjs/cli', 'nest').replace(/-cli$/, '')];
}

function nameOf(path: string): string {
  return basename(path, /^\.[cm]?[jt]s$|^\.exe$/.test(extname(path)) ? extname(path) : undefined);
}

/** The signal of `node --watch-kill-signal=SIGHUP`, which is not meant as a reload. */
function killSignal(flags: readonly string[]): NodeJS.Signals[] {
  const flag = flags.find((argument) => argument.startsWith('--watch-kill-signal='));
  return flag === undefined ? [] : [flag.slice(flag.indexOf('=') + 1) as NodeJS.Signals];
}

let known: { readonly watcher: Watcher | undefined } | undefined;

/** The watcher under which this process was started. */
export function watcherOfThisProcess(): Watcher | undefined {
  known ??= {
    watcher: watcherAmong({
      isProduction: inProduction(),
      reportsDependencies: reportsDependencies(),
      ancestors: inProduction() ? [] : ancestorCommands(),
    }),
  };
  return known.watcher;
}

/** How long running work may take when a watcher restarts the cluster, in ms. */
const RESTART_TIMEOUT = 500;
/** How long after that the workers are killed, in ms. */
const RESTART_KILL_AFTER = 400;

/**
 * The options for a stop. Under a watcher, a stop is short: a developer waits for the restart, and no client for an
 * answer.
 */
export function shutdownUnder(
  watcher: Watcher | undefined,
  shutdown: ResolvedClusterOptions['shutdown'],
): ResolvedClusterOptions['shutdown'] {
  if (!watcher) return shutdown;
  const timeout = Math.min(shutdown.timeout, RESTART_TIMEOUT);
  return { delay: 0, timeout, killAfter: Math.min(shutdown.killAfter, RESTART_KILL_AFTER) };
}
