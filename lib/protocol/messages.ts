import type { ListenRequest } from './listening.js';

/** Version of the messages between primary and worker: a worker of another version cannot be supervised. */
export const PROTOCOL = 'nestjs-cluster/3';

/**
 * Node emits a message whose `cmd` begins with NODE_ as 'internalMessage' and never as 'message' (seen the same in 20,
 * 24 and 26; node:cluster's own messages travel in this way). So neither an app's `process.on('message')` nor a
 * `cluster.on('message')` ever sees one of ours, whenever it was added.
 */
const COMMAND = 'NODE_NESTJS_CLUSTER';

/** An error as it travels over the control channel. */
export interface ErrorReport {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  /** All that there is to say of it, as Node shows it; of an error that ends its worker. */
  readonly text?: string;
}

/** What a worker measures of itself and says with every heartbeat. */
export interface Vitals {
  /** Mean event-loop delay since the last heartbeat, in ms. */
  readonly loopDelay: number;
  /** Event-loop utilisation since the last heartbeat, 0 to 1. */
  readonly utilisation: number;
  /** Resident set size in bytes. */
  readonly rss: number;
  /** HTTP requests begun since the process started. */
  readonly requests: number;
  /** HTTP requests, messages of microservices and messenger handlers that are running. */
  readonly inFlight: number;
  /** Open connections of its servers. */
  readonly connections: number;
  /** An inspector is open: the process may be stopped at a breakpoint. */
  readonly inspected: boolean;
}

/** Worker → primary. */
export type FromWorker =
  /**
   * Nest finished bootstrapping and every server that was asked to listen does: so many. `unreadyTime`: how long the
   * application wants to be called unready before it is drained at a SIGTERM, in ms.
   */
  | { readonly type: 'ready'; readonly servers: number; readonly logsJson: boolean; readonly unreadyTime: number }
  /** A worker that is ready listens with more servers than it said. */
  | { readonly type: 'listens'; readonly servers: number }
  /** `answered`: the last heartbeat whose answer has come; what was sent before that answer has come, too, or never will. */
  | { readonly type: 'heartbeat'; readonly seq: number; readonly answered: number; readonly vitals: Vitals }
  /** It hit an uncaught error, takes no new connection and will leave with a non-zero code. */
  | { readonly type: 'failing'; readonly error: ErrorReport }
  /** It was asked to end by somebody else (SIGTERM) and wants to be replaced and drained. */
  | { readonly type: 'retire'; readonly reason: string }
  /** Boot cannot succeed; the error that main.ts or Nest met. `fatal`: trying again is pointless (exit 78). */
  | { readonly type: 'boot-failed'; readonly error: ErrorReport; readonly fatal: boolean }
  /** It drains, and takes no new connection from now on. */
  | { readonly type: 'stopped-listening' }
  /** It drains, and its last client has left: no message need reach it any more. */
  | { readonly type: 'clients-gone' }
  /** Everything is done; may it exit? Comes back as 'barrier' once all before it was handled. */
  | { readonly type: 'barrier' }
  | { readonly type: 'reload'; readonly request: number }
  | { readonly type: 'scale'; readonly request: number; readonly workers: number }
  /** Has the primary a connection to the broker? Answered with true or false, once it knows. */
  | { readonly type: 'broker'; readonly request: number }
  /** One of its servers is to listen. Answered with a ListenAnswer. */
  | { readonly type: 'listen'; readonly request: number; readonly address: ListenRequest }
  /** That server listens; what node:cluster tells of such a server. */
  | { readonly type: 'listening'; readonly address: ListeningAddress }
  /** Its server does not listen there any more. */
  | { readonly type: 'unlisten'; readonly key: string }
  /** It has closed its copy of the slot's socket, as it was asked to. */
  | { readonly type: 'release-socket'; readonly key: string; readonly slot: number }
  /** The connection that came as `seq` is in its hands; or comes back, for the server was closed. */
  | { readonly type: 'handoff-ack'; readonly seq: number; readonly accepted: boolean }
  /** It leaves; the connection, which comes with it, is another worker's from now on, whose server has that name. */
  | { readonly type: 'pass-on'; readonly server: string }
  /** The same of a connection that another worker passed on. */
  | { readonly type: 'pass-on-ack'; readonly seq: number; readonly accepted: boolean };

/** What node:cluster's 'listening' event tells of a server. */
export interface ListeningAddress {
  readonly address: string | undefined;
  readonly port: number | undefined;
  readonly addressType: number;
}

/** Primary → worker. */
export type FromPrimary =
  /**
   * Finish what is in flight within `timeout` ms and exit 0. `signal`: what the application's shutdown hooks and signal
   * listeners are to be called with; undefined where no signal ends the worker.
   */
  | {
      readonly type: 'drain';
      readonly timeout: number;
      readonly reason: string;
      readonly signal: NodeJS.Signals | undefined;
    }
  /** The whole cluster was asked to stop: say to those who ask that no more work is wanted, and serve on. */
  | { readonly type: 'stopping' }
  | { readonly type: 'barrier' }
  /**
   * Answer to a heartbeat: the leader's term where the receiver is the leader, how many slots there are, and whether
   * the cluster was asked to stop.
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
  /** Accept on the socket that comes with it, the slot's, for the server that listens on `key`. */
  | { readonly type: 'socket'; readonly key: string; readonly slot: number }
  /** Accept on that one no longer. */
  | { readonly type: 'release-socket'; readonly key: string; readonly slot: number }
  /** A connection, which comes with it, for the server that listens on `key`; `head`: base64, was read from it. */
  | { readonly type: 'connection'; readonly key: string; readonly seq: number; readonly head?: string }
  /** A connection, which comes with it, that another worker passed on; `key` is the server's name. */
  | { readonly type: 'passed-on'; readonly key: string; readonly seq: number };

/** A control message with the package's mark. */
export type Envelope<M> = M & {
  readonly cmd: typeof COMMAND;
  readonly ns: typeof PROTOCOL;
  /** The key of one worker and its primary: what the application sends by `process.send` cannot be taken for ours. */
  readonly seal: string;
};

/** Puts the package's mark, and the key of the worker, on a control message. */
export function seal<M extends FromWorker | FromPrimary>(message: M, key: string): Envelope<M> {
  return { ...message, cmd: COMMAND, ns: PROTOCOL, seal: key };
}

/** Every type there is: the compiler misses one that is not listed. */
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

/** The control message of the worker with that key in `raw`, or undefined for a foreign or malformed one. */
export function fromWorker(raw: unknown, key: string): FromWorker | undefined {
  return isOwn(raw, FROM_WORKER, key) ? (raw as unknown as FromWorker) : undefined;
}

/** The primary's control message in `raw` to the worker with that key, or undefined for a foreign or malformed one. */
export function fromPrimary(raw: unknown, key: string): FromPrimary | undefined {
  return isOwn(raw, FROM_PRIMARY, key) ? (raw as unknown as FromPrimary) : undefined;
}

/** The version of the package's messages that `raw` is one of; undefined for a message of somebody else. */
export function protocolOf(raw: unknown): string | undefined {
  const { ns } = (raw ?? {}) as { ns?: unknown };
  return typeof ns === 'string' && ns.startsWith('nestjs-cluster/') ? ns : undefined;
}

function isOwn(raw: unknown, types: Readonly<Record<string, true>>, key: string): raw is { type: string } {
  if (protocolOf(raw) !== PROTOCOL) return false;
  const { type, seal: given } = raw as { type?: unknown; seal?: unknown };
  return given === key && Object.hasOwn(types, type as PropertyKey);
}
