import type { ListenRequest } from './listening.js';

/** Version of the messages between primary and worker. A worker with another version cannot be supervised. */
export const PROTOCOL = 'nestjs-cluster/3';

/**
 * Node emits a message whose `cmd` begins with NODE_ as 'internalMessage' and never as 'message' (verified in 20,
 * 24 and 26; node:cluster sends its own messages in this way). So an app's `process.on('message')` or
 * `cluster.on('message')` never sees this package's messages, whenever the listener was added.
 */
const COMMAND = 'NODE_NESTJS_CLUSTER';

/** An error in the form in which the control channel carries it. */
export interface ErrorReport {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  /** The complete error as Node shows it; only for an error that ends its worker. */
  readonly text?: string;
}

/** What a worker measures about itself and reports with every heartbeat. */
export interface Vitals {
  /** Mean event-loop delay since the last heartbeat, in ms. */
  readonly loopDelay: number;
  /** Event-loop utilisation since the last heartbeat, 0 to 1. */
  readonly utilisation: number;
  /** Resident set size in bytes. */
  readonly rss: number;
  /** HTTP requests started since the process started. */
  readonly requests: number;
  /** HTTP requests, messages of microservices and messenger handlers that are running. */
  readonly inFlight: number;
  /** Open connections of its servers. */
  readonly connections: number;
  /** Whether an inspector is open: the process may be stopped at a breakpoint. */
  readonly inspected: boolean;
}

/** Worker → primary. */
export type FromWorker =
  /**
   * Nest has finished bootstrapping, and all servers that should listen do. `servers` is their number. `unreadyTime`:
   * how long the application wants to be reported as not ready before it is drained after a SIGTERM, in ms.
   */
  | { readonly type: 'ready'; readonly servers: number; readonly logsJson: boolean; readonly unreadyTime: number }
  /** A worker that is already ready listens with more servers than it reported. */
  | { readonly type: 'listens'; readonly servers: number }
  /**
   * `answered`: the last heartbeat whose answer has arrived. Everything sent before that answer has arrived or never
   * will.
   */
  | { readonly type: 'heartbeat'; readonly seq: number; readonly answered: number; readonly vitals: Vitals }
  /** It had an uncaught error. It accepts no new connection and will exit with a non-zero code. */
  | { readonly type: 'failing'; readonly error: ErrorReport }
  /** Another process asked it to end (SIGTERM). It wants to be replaced and drained. */
  | { readonly type: 'retire'; readonly reason: string }
  /** Booting failed with this error of main.ts or Nest. `fatal`: trying again is pointless (exit code 78). */
  | { readonly type: 'boot-failed'; readonly error: ErrorReport; readonly fatal: boolean }
  /** It is draining, and accepts no new connection from now on. */
  | { readonly type: 'stopped-listening' }
  /** It is draining, and its last client has left: no more messages have to reach it. */
  | { readonly type: 'clients-gone' }
  /** It has finished and asks whether it may exit. The primary returns it once it has handled all earlier messages. */
  | { readonly type: 'barrier' }
  | { readonly type: 'reload'; readonly request: number }
  | { readonly type: 'scale'; readonly request: number; readonly workers: number }
  /** Asks whether the primary is connected to the broker. The answer is true or false, once it is known. */
  | { readonly type: 'broker'; readonly request: number }
  /** One of its servers should listen. The answer is a ListenAnswer. */
  | { readonly type: 'listen'; readonly request: number; readonly address: ListenRequest }
  /** The server listens; the data is that of node:cluster's 'listening' event. */
  | { readonly type: 'listening'; readonly address: ListeningAddress }
  /** Its server does not listen on this address any more. */
  | { readonly type: 'unlisten'; readonly key: string }
  /** It has closed its copy of the slot's socket, as requested. */
  | { readonly type: 'release-socket'; readonly key: string; readonly slot: number }
  /** Whether it has accepted the connection `seq`. If not, the connection comes back, because the server was closed. */
  | { readonly type: 'handoff-ack'; readonly seq: number; readonly accepted: boolean }
  /** It is leaving, and sends a connection to be given to another worker; `server` is the name of the server. */
  | { readonly type: 'pass-on'; readonly server: string }
  /** As `handoff-ack`, for a connection that another worker passed on. */
  | { readonly type: 'pass-on-ack'; readonly seq: number; readonly accepted: boolean };

/** The data of node:cluster's 'listening' event. */
export interface ListeningAddress {
  readonly address: string | undefined;
  readonly port: number | undefined;
  readonly addressType: number;
}

/** Primary → worker. */
export type FromPrimary =
  /**
   * Finish the running work within `timeout` ms and exit with 0. `signal`: passed to the application's shutdown hooks
   * and signal listeners; undefined if no signal ends the worker.
   */
  | {
      readonly type: 'drain';
      readonly timeout: number;
      readonly reason: string;
      readonly signal: NodeJS.Signals | undefined;
    }
  /** The whole cluster was asked to stop: report to health checks that no more work is wanted, but keep serving. */
  | { readonly type: 'stopping' }
  | { readonly type: 'barrier' }
  /**
   * The answer to a heartbeat: the leader's term if the receiver is the leader, the number of slots, and whether the
   * cluster was asked to stop.
   */
  | {
      readonly type: 'lease';
      readonly seq: number;
      readonly term: number | undefined;
      readonly slots: number;
      readonly stopping: boolean;
    }
  | { readonly type: 'answer'; readonly request: number; readonly ok: true; readonly value: unknown }
  | { readonly type: 'answer'; readonly request: number; readonly ok: false; readonly error: ErrorReport }
  | { readonly type: 'reload-progress'; readonly progress: unknown }
  /** Accept connections on the attached socket of the slot, for the server that listens on `key`. */
  | { readonly type: 'socket'; readonly key: string; readonly slot: number }
  /** Stop accepting on that socket. */
  | { readonly type: 'release-socket'; readonly key: string; readonly slot: number }
  /** The attached connection is for the server that listens on `key`; `head`: bytes already read from it, as base64. */
  | { readonly type: 'connection'; readonly key: string; readonly seq: number; readonly head?: string }
  /** The attached connection was passed on by another worker; `key` is the server's name. */
  | { readonly type: 'passed-on'; readonly key: string; readonly seq: number };

/** A control message with the package's mark. */
export type Envelope<M> = M & {
  readonly cmd: typeof COMMAND;
  readonly ns: typeof PROTOCOL;
  /** A secret that only one worker and its primary know, so messages of the application cannot be mistaken for ours. */
  readonly seal: string;
};

/** Adds the package's mark and the worker's key to a control message. */
export function seal<M extends FromWorker | FromPrimary>(message: M, key: string): Envelope<M> {
  return { ...message, cmd: COMMAND, ns: PROTOCOL, seal: key };
}

/** All message types: the compiler reports a type that is missing here. */
const FROM_WORKER: Readonly<Record<FromWorker['type'], true>> = {
  ready: true,
  listens: true,
  heartbeat: true,
  failing: true,
  retire: true,
  'boot-failed': true,
  'stopped-listening': true,
  'clients-gone': true,
  barrier: true,
  reload: true,
  scale: true,
  broker: true,
  listen: true,
  listening: true,
  unlisten: true,
  'release-socket': true,
  'handoff-ack': true,
  'pass-on': true,
  'pass-on-ack': true,
};
const FROM_PRIMARY: Readonly<Record<FromPrimary['type'], true>> = {
  drain: true,
  stopping: true,
  barrier: true,
  lease: true,
  answer: true,
  'reload-progress': true,
  socket: true,
  'release-socket': true,
  connection: true,
  'passed-on': true,
};

/** The control message in `raw` of the worker with this key; undefined if the message is foreign or malformed. */
export function fromWorker(raw: unknown, key: string): FromWorker | undefined {
  return isOwn(raw, FROM_WORKER, key) ? (raw as unknown as FromWorker) : undefined;
}

/** The primary's control message in `raw` to the worker with this key; undefined if it is foreign or malformed. */
export function fromPrimary(raw: unknown, key: string): FromPrimary | undefined {
  return isOwn(raw, FROM_PRIMARY, key) ? (raw as unknown as FromPrimary) : undefined;
}

/** The version of this package's messages that `raw` uses; undefined if it is not a message of this package. */
export function protocolOf(raw: unknown): string | undefined {
  const { ns } = (raw ?? {}) as { ns?: unknown };
  return typeof ns === 'string' && ns.startsWith('nestjs-cluster/') ? ns : undefined;
}

function isOwn(raw: unknown, types: Readonly<Record<string, true>>, key: string): raw is { type: string } {
  if (protocolOf(raw) !== PROTOCOL) return false;
  const { type, seal: given } = raw as { type?: unknown; seal?: unknown };
  return given === key && typeof type === 'string' && Object.hasOwn(types, type);
}
