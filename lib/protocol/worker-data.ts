import { inspect } from 'node:util';
import { ClusterOptionsError } from '../errors/errors.js';
import {
  dropCompileCache,
  dropSwitchOn,
  PROCESS_TREE,
  type MutableEnvironment,
  SESSION,
  takeVariable,
} from '../platform/environment.js';
import { ownSession } from '../platform/process-tree.js';
import type { OwnSockets } from './listening.js';

/** By which a primary tells its worker what it is; taken away at once, so that no process the worker starts inherits it. */
const WORKER_DATA = 'NESTJS_CLUSTER_WORKER';

/** What a primary tells a worker at its birth. */
export interface WorkerData {
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

/** The environment variables that make a process a worker. */
export function workerEnvironment(data: WorkerData, processTree: string): Record<string, string> {
  const session = ownSession();
  return {
    [WORKER_DATA]: JSON.stringify(data),
    [PROCESS_TREE]: processTree,
    ...(session === undefined ? {} : { [SESSION]: String(session) }),
  };
}

/**
 * Takes the worker's data out of the environment; undefined where this process is no worker of ours.
 *
 * @throws ClusterOptionsError where it holds what no primary wrote
 */
export function takeWorkerData(env?: MutableEnvironment): WorkerData | undefined {
  const text = takeVariable(WORKER_DATA, env);
  if (text === undefined) return undefined;
  dropSwitchOn(env);
  const data = parse(text);
  // Node has read it; a process that the worker starts has no part in it.
  dropCompileCache(data.settings.compileCache, env);
  return data;
}

function parse(text: string): WorkerData {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Said below.
  }
  const settings: unknown = (value as WorkerData | null | undefined)?.settings;
  if (typeof settings === 'object' && settings !== null) return value as WorkerData;
  throw new ClusterOptionsError(
    `The environment variable ${WORKER_DATA} is ${inspect(text.slice(0, 100))}, which no primary of nestjs-cluster has ` +
      'set: it is for the package alone. Remove it from the environment.',
  );
}
