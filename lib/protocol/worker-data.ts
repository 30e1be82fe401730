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

/** The variable in which a primary passes data to its worker. It is removed at once, so that no child inherits it. */
const WORKER_DATA = 'NESTJS_CLUSTER_WORKER';

/** The data that a primary passes to a worker when it is forked. */
export interface WorkerData {
  /** Version of the messages that the primary uses; absent in nestjs-cluster 0.1. */
  readonly protocol?: string;
  readonly id: number;
  /** The key by which primary and worker recognise each other's control messages. */
  readonly key: string;
  readonly slot: number;
  readonly generation: number;
  /** The number of slots. */
  readonly slots: number;
  /** File descriptor of the worker's end of the bus. */
  readonly busFd: number;
  /** The numbers of the worker and of its primary among the members of all hosts. */
  readonly member: number;
  readonly primary: number;
  /** The number of servers with which a worker of this slot and generation should listen; undefined if not known. */
  readonly serversBefore: number | undefined;
  /** Ports on which main.ts listens in the primary, so that no worker can. */
  readonly primaryPorts: readonly number[];
  /** Whether a reload is trying a build of which no worker has been ready yet. */
  readonly isTrial: boolean;
  /** Settings that the worker needs before its own options are resolved; primary and worker must agree on them. */
  readonly settings: WorkerSettings;
}

/** The options on which primary and worker must agree. */
export interface WorkerSettings {
  /** Interval between two heartbeats, and duration of a leader's lease, in ms. */
  readonly heartbeatInterval: number;
  readonly leaseDuration: number;
  /** Both in bytes. */
  readonly maxPayload: number;
  readonly queueLimit: number;
  /** Whether a watcher restarts the cluster after each edit: then nothing waits for idle clients. */
  readonly restartsQuickly: boolean;
  /** Whether `node --watch` wants to be told of the files that are loaded. */
  readonly reportsDependencies: boolean;
  /** Signals that mean a reload for the primary, and nothing for a worker. */
  readonly reloadSignals: readonly NodeJS.Signals[];
  /** Whether its stdout and stderr are pipes to the primary that only it writes to. */
  readonly waitsForReader: readonly [stdout: boolean, stderr: boolean];
  readonly ownSockets: OwnSockets;
  /** Whether a plain application context makes a worker ready, like an application. */
  readonly countsContexts: boolean;
  /** The primary's folder for compiled code; the worker writes to it once it is up. */
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
 * Takes the worker's data out of the environment; undefined if this process is not a worker of this package.
 *
 * @throws ClusterOptionsError if the content was not written by a primary
 */
export function takeWorkerData(env?: MutableEnvironment): WorkerData | undefined {
  const text = takeVariable(WORKER_DATA, env);
  if (text === undefined) return undefined;
  dropSwitchOn(env);
  const data = parse(text);
  // Node has already read this variable; processes that the worker starts must not use the folder.
  dropCompileCache(data.settings.compileCache, env);
  return data;
}

function parse(text: string): WorkerData {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Reported below.
  }
  const settings: unknown = (value as WorkerData | null | undefined)?.settings;
  if (typeof settings === 'object' && settings !== null) return value as WorkerData;
  throw new ClusterOptionsError(
    `The environment variable ${WORKER_DATA} is ${inspect(text.slice(0, 100))}, which no primary of nestjs-cluster has ` +
      'set: it is for the package alone. Remove it from the environment.',
  );
}
