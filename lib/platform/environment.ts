/** The one place where the process's environment is read. */
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { ClusterOptionsError } from '../errors/index.js';
import { MAX_WORKERS } from './limits.js';
import { ownSession } from './process-tree.js';
import type { OwnSockets } from '../protocol/listening.js';

type Environment = Readonly<Record<string, string | undefined>>;

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
export function reportDependencies(env: Record<string, string | undefined> = process.env): void {
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

/** By which a primary tells its worker what it is; taken away at once, so that no process the worker starts inherits it. */
const WORKER_MARK = 'NESTJS_CLUSTER_WORKER';

/** What a primary tells a worker at its birth. */
export interface WorkerMark {
  /** Version of the messages that the primary speaks; undefined in those of nestjs-cluster 0.1. */
  readonly protocol?: string;
  readonly id: number;
  /** By which primary and worker know each other's control messages. */
  readonly key: string;
  readonly slot: number;
  readonly generation: number;
  /** How many slots there are. */
  readonly slots: number;
  /** File descriptor of the worker's end of the bus. */
  readonly busFd: number;
  /** Its number, and its primary's, among the members of all hosts. */
  readonly member: number;
  readonly primary: number;
  /** With how many servers a worker in this place is expected to listen; undefined where nothing is known. */
  readonly serversBefore: number | undefined;
  /** Ports that main.ts listens on in the primary, where no worker can. */
  readonly primaryPorts: readonly number[];
  /** A reload tries a build of which no worker has been ready yet. */
  readonly isTrial: boolean;
  /** What the primary resolved and the worker needs before its own options are: both must agree on it. */
  readonly settings: WorkerSettings;
}

/** The part of the options by which primary and worker deal with each other. */
export interface WorkerSettings {
  /** Time between two heartbeats, and how long a leader's lease lasts, in ms. */
  readonly heartbeatInterval: number;
  readonly leaseDuration: number;
  /** Bytes. */
  readonly maxPayload: number;
  readonly queueLimit: number;
  /** Whether a watcher restarts the cluster at each edit: nobody waits for idle clients then. */
  readonly restartsQuickly: boolean;
  /** Whether `node --watch` is to be told of the files that are loaded. */
  readonly reportsDependencies: boolean;
  /** Signals that mean a reload to the primary, and nothing to a worker. */
  readonly reloadSignals: readonly NodeJS.Signals[];
  /** Whether its stdout and its stderr are pipes of its own to the primary. */
  readonly waitsForReader: readonly [stdout: boolean, stderr: boolean];
  readonly ownSockets: OwnSockets;
  /** Whether a plain application context makes a worker ready, as an application does. */
  readonly countsContexts: boolean;
  /** The primary's folder of compiled code, to which this worker is to write when it is up. */
  readonly compileCache: string | undefined;
}

/** Names the worker a process descends from, or a primary. It stays in the environment, so that children inherit it. */
export const LINEAGE = 'NESTJS_CLUSTER_LINEAGE';

/** The session of those to whom LINEAGE was given: whoever begins a session of its own has left the cluster. */
const SESSION = 'NESTJS_CLUSTER_SESSION';

/**
 * Makes what this process starts from now on known as a primary's descendants. They do not inherit
 * NESTJS_CLUSTER=on, which was meant for the primary alone.
 */
export function markDescendantsOfPrimary(
  session: number | undefined,
  env: Record<string, string | undefined> = process.env,
): void {
  env[LINEAGE] = 'primary';
  if (session === undefined) delete env[SESSION];
  else env[SESSION] = String(session);
  dropSwitchOn(env);
}

/** Whether a process of a cluster started this one, or one of its ancestors, and not in a session of its own. */
export function descendsFromCluster(session: number | undefined, env: Environment = process.env): boolean {
  if (!env[LINEAGE]) return false;
  return env[SESSION] === undefined || session === undefined || env[SESSION] === String(session);
}

function dropSwitchOn(env: Record<string, string | undefined>): void {
  if (env[SWITCH]?.trim() === 'on') delete env[SWITCH];
}

/** The environment variables that mark a worker. */
export function markWorker(mark: WorkerMark, lineage: string): Record<string, string> {
  const session = ownSession();
  return {
    [WORKER_MARK]: JSON.stringify(mark),
    [LINEAGE]: lineage,
    ...(session === undefined ? {} : { [SESSION]: String(session) }),
  };
}

/**
 * Takes the mark out of the environment; undefined where this process is no worker of ours.
 *
 * @throws ClusterOptionsError where it holds what no primary wrote
 */
export function takeWorkerMark(env: Record<string, string | undefined> = process.env): WorkerMark | undefined {
  const text = env[WORKER_MARK];
  delete env[WORKER_MARK];
  if (text === undefined) return undefined;
  dropSwitchOn(env);
  const mark = markIn(text);
  // Node has read it; a process that the worker starts has no part in it.
  if (env[COMPILE_CACHE] === mark.settings.compileCache) delete env[COMPILE_CACHE];
  return mark;
}

function markIn(text: string): WorkerMark {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Said below.
  }
  const settings: unknown = (value as WorkerMark | null | undefined)?.settings;
  if (typeof settings === 'object' && settings !== null) return value as WorkerMark;
  throw new ClusterOptionsError(
    `The environment variable ${WORKER_MARK} is ${inspect(text.slice(0, 100))}, which no primary of nestjs-cluster has ` +
      'set: it is for the package alone. Remove it from the environment.',
  );
}
