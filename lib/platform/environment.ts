/** The one place where the process's environment is read. */
import { readFileSync } from 'node:fs';
import { ClusterOptionsError } from '../errors/errors.js';
import { MAX_WORKERS } from './limits.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that are set and taken away. */
export type MutableEnvironment = Record<string, string | undefined>;

/** Variables by which jest, vitest and node:test can be told. */
const TEST_RUNNERS = ['JEST_WORKER_ID', 'VITEST', 'NODE_TEST_CONTEXT'];

/**
 * The number of workers that WEB_CONCURRENCY asks for; undefined where it is unset or empty.
 *
 * @throws ClusterOptionsError when it is no whole number above 0.
 */
export function webConcurrency(env: Environment = process.env): number | undefined {
  const text = env.WEB_CONCURRENCY?.trim();
  if (!text) return undefined;
  const workers = /^\d+$/.test(text) ? Number(text) : 0;
  if (workers >= 1 && workers <= MAX_WORKERS) return workers;
  throw new ClusterOptionsError(
    `The environment variable WEB_CONCURRENCY is '${text}'; expected a whole number from 1 to ${MAX_WORKERS}. ` +
      `Correct it, unset it, or give the option workers.`,
  );
}

const SWITCH = 'NESTJS_CLUSTER';

/**
 * What NESTJS_CLUSTER says, over everything else: 'on' or 'off'; undefined where it is unset or empty.
 *
 * @throws ClusterOptionsError when it is anything else.
 */
export function clusterSwitch(env: Environment = process.env): 'on' | 'off' | undefined {
  const text = env[SWITCH]?.trim();
  if (!text) return undefined;
  if (text === 'on' || text === 'off') return text;
  throw new ClusterOptionsError(
    `The environment variable NESTJS_CLUSTER is '${text}'; expected 'on' or 'off'. ` +
      `Correct it, or unset it: the option enabled then decides.`,
  );
}

/** Whether NESTJS_CLUSTER=on made this process a primary, whatever it boots. */
export function wasSwitchedOn(startedWith: Environment = STARTED_WITH): boolean {
  return clusterSwitch(startedWith) === 'on';
}

/** Programs that run, in their own process, the script that a variable names; started again with it they run it again. */
const LAUNCHERS: Readonly<Record<string, string>> = {
  pm2: 'pm_exec_path',
  '@nx/js': 'NX_FILE_TO_RUN',
  '@nx/node': 'NX_FILE_TO_RUN',
};

/** The script that a launcher, an installed package such as 'pm2', was told to run; undefined where it is no launcher. */
export function launchedScript(launcher: string | undefined, env: Environment = process.env): string | undefined {
  const variable = launcher === undefined ? undefined : LAUNCHERS[launcher];
  return variable === undefined ? undefined : env[variable];
}

/** Whether the environment is that of PM2, which gives each process a number. */
export function underPm2(env: Environment = process.env): boolean {
  return env.pm_id !== undefined;
}

/** Whether a test runner started this process. */
export function underTestRunner(env: Environment = process.env): boolean {
  return TEST_RUNNERS.some((name) => Boolean(env[name]));
}

/** Whether NODE_ENV says production: errors then travel without their stack. */
export function inProduction(env: Environment = process.env): boolean {
  return env.NODE_ENV === 'production';
}

/** What NODE_ENV calls this environment, as brokers can have it. */
export function environmentName(env: Environment = process.env): string {
  return env.NODE_ENV?.replaceAll(/[^A-Za-z0-9-]/g, '-').slice(0, 64) || 'development';
}

/** What node:cluster was told about connections: 'rr' or 'none'; undefined where nothing. */
export function schedulingPolicy(env: Environment = process.env): string | undefined {
  return env.NODE_CLUSTER_SCHED_POLICY || undefined;
}

/** By which path the working directory may have been entered: as a shell, PM2 or npm says. */
export function enteredBy(env: Environment = process.env): (string | undefined)[] {
  return [env['PWD'], env['pm_cwd'], env['INIT_CWD']];
}

/** By which `node --watch` has what it starts report each file that is loaded. */
const REPORT_DEPENDENCIES = 'WATCH_REPORT_DEPENDENCIES';

/** Whether `node --watch` started this process: it then wants to be told which files are loaded. */
export function reportsDependencies(env: Environment = process.env): boolean {
  return Boolean(env[REPORT_DEPENDENCIES]);
}

/** Has Node report what it loads from now on. */
export function reportDependencies(env: MutableEnvironment = process.env): void {
  env[REPORT_DEPENDENCIES] = '1';
}

/** Node's own arguments that come by the environment. */
export function nodeOptions(env: Environment = process.env): string | undefined {
  return env.NODE_OPTIONS;
}

/** Where Node keeps compiled code. */
export const COMPILE_CACHE = 'NODE_COMPILE_CACHE';

/** Whether the user has already chosen where compiled code is kept, or that it is not. */
export function hasCompileCacheOfItsOwn(env: Environment = process.env): boolean {
  return Boolean(env[COMPILE_CACHE] || env.NODE_DISABLE_COMPILE_CACHE);
}

/** What Node itself adds for a child that it forks, or watches; never handed on. */
const OF_A_CHILD = ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE', 'NODE_UNIQUE_ID', REPORT_DEPENDENCIES];

/** The environment that this process was started with; elsewhere than on Linux, what it was when this file was loaded. */
const STARTED_WITH = readStartEnvironment();

/**
 * The environment for a worker, as a difference to this process's own: what was set or changed since the start of the
 * process goes back to what it was. A file of settings that is read into the environment at every boot, such as `.env`,
 * would else be shadowed in workers for ever by what it said when the primary was started.
 */
export function startEnvironment(
  startedWith: Environment = STARTED_WITH,
  env: Environment = process.env,
): Record<string, string | undefined> {
  const added = Object.keys(env).filter((name) => !(name in startedWith));
  const kept = Object.entries(startedWith).filter(([name]) => !OF_A_CHILD.includes(name));
  return {
    ...Object.fromEntries([...added, ...OF_A_CHILD].map((name) => [name, undefined])),
    ...Object.fromEntries(kept),
  };
}

function readStartEnvironment(): Environment {
  try {
    const entries = readFileSync('/proc/self/environ', 'utf8').split('\0').filter(Boolean);
    if (entries.length > 0) {
      return Object.fromEntries(
        entries.map((entry) => [entry.slice(0, entry.indexOf('=', 1)), entry.slice(entry.indexOf('=', 1) + 1)]),
      );
    }
  } catch {
    // No such file: not on Linux.
  }
  return { ...process.env };
}

/** Names the worker a process descends from, or a primary. It stays in the environment, so that children inherit it. */
export const PROCESS_TREE = 'NESTJS_CLUSTER_LINEAGE';

/** The session of those to whom PROCESS_TREE was given: whoever begins a session of its own has left the cluster. */
export const SESSION = 'NESTJS_CLUSTER_SESSION';

/**
 * Makes what this process starts from now on known as a primary's descendants. They do not inherit
 * NESTJS_CLUSTER=on, which was meant for the primary alone.
 */
export function markDescendantsOfPrimary(session: number | undefined, env: MutableEnvironment = process.env): void {
  env[PROCESS_TREE] = 'primary';
  if (session === undefined) delete env[SESSION];
  else env[SESSION] = String(session);
  dropSwitchOn(env);
}

/** Whether a process of a cluster started this one, or one of its ancestors, and not in a session of its own. */
export function descendsFromCluster(session: number | undefined, env: Environment = process.env): boolean {
  if (!env[PROCESS_TREE]) return false;
  return env[SESSION] === undefined || session === undefined || env[SESSION] === String(session);
}

/** NESTJS_CLUSTER=on is for one process alone. */
export function dropSwitchOn(env: MutableEnvironment = process.env): void {
  if (env[SWITCH]?.trim() === 'on') delete env[SWITCH];
}

/** Takes a variable away, so that no process that this one starts inherits it. */
export function takeVariable(name: string, env: MutableEnvironment = process.env): string | undefined {
  const text = env[name];
  delete env[name];
  return text;
}

/** A folder of compiled code that was given to this process alone is not handed on. */
export function dropCompileCache(folder: string | undefined, env: MutableEnvironment = process.env): void {
  if (env[COMPILE_CACHE] === folder) delete env[COMPILE_CACHE];
}
