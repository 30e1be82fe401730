/** The only file that reads the process's environment. */
import { readFileSync } from 'node:fs';
import { ClusterOptionsError } from '../errors/errors.js';
import { MAX_WORKERS } from './limits.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that may be set and removed. */
export type MutableEnvironment = Record<string, string | undefined>;

/** Variables that show that jest, vitest or node:test runs this process. */
const TEST_RUNNERS = ['JEST_WORKER_ID', 'VITEST', 'NODE_TEST_CONTEXT'];

/**
 * The number of workers that WEB_CONCURRENCY asks for; undefined if it is unset or empty.
 *
 * @throws ClusterOptionsError if it is not a whole number above 0, or above the largest number of workers.
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
 * The value of NESTJS_CLUSTER, which overrides everything else: 'on' or 'off'; undefined if it is unset or empty.
 *
 * @throws ClusterOptionsError if it has any other value.
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

/**
 * Programs that run the script named by a variable in their own process; restarted with that variable, they run it
 * again.
 */
const LAUNCHERS: Readonly<Record<string, string>> = {
  pm2: 'pm_exec_path',
  '@nx/js': 'NX_FILE_TO_RUN',
  '@nx/node': 'NX_FILE_TO_RUN',
};

/**
 * The script that a launcher, an installed package such as 'pm2', was told to run; undefined if it is not a launcher.
 */
export function launchedScript(launcher: string | undefined, env: Environment = process.env): string | undefined {
  const variable = launcher === undefined ? undefined : LAUNCHERS[launcher];
  return variable === undefined ? undefined : env[variable];
}

/** Whether PM2 started this process; it gives each process a number. */
export function underPm2(env: Environment = process.env): boolean {
  return env.pm_id !== undefined;
}

/** Whether a test runner started this process. */
export function underTestRunner(env: Environment = process.env): boolean {
  return TEST_RUNNERS.some((name) => Boolean(env[name]));
}

/** Whether NODE_ENV is 'production': errors are then sent without their stack. */
export function inProduction(env: Environment = process.env): boolean {
  return env.NODE_ENV === 'production';
}

/** The environment's name from NODE_ENV, with the characters that brokers allow. */
export function environmentName(env: Environment = process.env): string {
  return env.NODE_ENV?.replaceAll(/[^A-Za-z0-9-]/g, '-').slice(0, 64) || 'development';
}

/** The scheduling policy that node:cluster was given: 'rr' or 'none'; undefined if none. */
export function schedulingPolicy(env: Environment = process.env): string | undefined {
  return env.NODE_CLUSTER_SCHED_POLICY || undefined;
}

/** Paths by which the working directory may have been entered, according to a shell, PM2 or npm. */
export function enteredBy(env: Environment = process.env): (string | undefined)[] {
  return [env['PWD'], env['pm_cwd'], env['INIT_CWD']];
}

/** With this variable, `node --watch` makes its child report each file that it loads. */
const REPORT_DEPENDENCIES = 'WATCH_REPORT_DEPENDENCIES';

/** Whether `node --watch` started this process and wants to be told which files are loaded. */
export function reportsDependencies(env: Environment = process.env): boolean {
  return Boolean(env[REPORT_DEPENDENCIES]);
}

/** Makes Node report the files that it loads from now on. */
export function reportDependencies(env: MutableEnvironment = process.env): void {
  env[REPORT_DEPENDENCIES] = '1';
}

/** Node's own arguments from the environment. */
export function nodeOptions(env: Environment = process.env): string | undefined {
  return env.NODE_OPTIONS;
}

/** Where Node stores compiled code. */
export const COMPILE_CACHE = 'NODE_COMPILE_CACHE';

/** Whether the user has already chosen where compiled code is stored, or that it is not. */
export function hasCompileCacheOfItsOwn(env: Environment = process.env): boolean {
  return Boolean(env[COMPILE_CACHE] || env.NODE_DISABLE_COMPILE_CACHE);
}

/** Variables that Node itself adds for a child that it forks or watches; they are never passed on. */
const OF_A_CHILD = ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE', 'NODE_UNIQUE_ID', REPORT_DEPENDENCIES];

/** The environment with which this process was started; on systems other than Linux, that when this file was loaded. */
const STARTED_WITH = readStartEnvironment();

/**
 * The environment for a worker, as a difference to this process's own: variables that were set or changed after the
 * process was started get back their original value. Otherwise, a settings file that is read into the environment at
 * every boot, such as `.env`, would always be overridden in workers by its content when the primary was started.
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
    // No such file, so this is not Linux.
  }
  return { ...process.env };
}

/**
 * Names the worker or primary from which a process descends. It stays in the environment, so that children inherit it.
 */
export const PROCESS_TREE = 'NESTJS_CLUSTER_LINEAGE';

/**
 * The session of the processes that got PROCESS_TREE. A process that starts a session of its own has left the cluster.
 */
export const SESSION = 'NESTJS_CLUSTER_SESSION';

/**
 * Marks the processes that this one starts from now on as descendants of a primary. They do not inherit
 * NESTJS_CLUSTER=on, which was meant for the primary alone.
 */
export function markDescendantsOfPrimary(session: number | undefined, env: MutableEnvironment = process.env): void {
  env[PROCESS_TREE] = 'primary';
  if (session === undefined) delete env[SESSION];
  else env[SESSION] = String(session);
  dropSwitchOn(env);
}

/** Whether this process descends from a process of a cluster, and is in the same session. */
export function descendsFromCluster(session: number | undefined, env: Environment = process.env): boolean {
  if (!env[PROCESS_TREE]) return false;
  return env[SESSION] === undefined || session === undefined || env[SESSION] === String(session);
}

/** Removes NESTJS_CLUSTER=on, which is meant for one process alone. */
export function dropSwitchOn(env: MutableEnvironment = process.env): void {
  if (env[SWITCH]?.trim() === 'on') delete env[SWITCH];
}

/** Reads and removes a variable, so that no process that this one starts inherits it. */
export function takeVariable(name: string, env: MutableEnvironment = process.env): string | undefined {
  const text = env[name];
  delete env[name];
  return text;
}

/** Removes a compile cache folder that was given to this process alone, so that children do not inherit it. */
export function dropCompileCache(folder: string | undefined, env: MutableEnvironment = process.env): void {
  if (env[COMPILE_CACHE] === folder) delete env[COMPILE_CACHE];
}
