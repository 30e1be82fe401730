import type { ResolvedClusterOptions } from '../../options/cluster-options.interface.js';
import type { ReloadProgress } from '../../runtime/reload.interface.js';
import type { ErrorReport, Vitals } from '../../protocol/messages.js';

/** The settings the supervisor decides by. */
export type SupervisorOptions = Pick<
  ResolvedClusterOptions,
  'startup' | 'restart' | 'shutdown' | 'reload' | 'watchdog' | 'recycle'
> & {
  /** Number of slots to begin with, at least 1. */
  readonly workers: number;
  /**
   * A watcher restarts the cluster at every edit. The first worker boots alone then, and the others once it is ready, for
   * an edit is served sooner so; and a stop does not wait for a worker that still boots.
   */
  readonly isWatched?: boolean;
};

/**
 * Where a worker is in its life. A slot without a worker is empty: it waits for its retry time
 * (backoff), or for the breaker (parked).
 */
export type WorkerPhase = 'spawning' | 'booting' | 'ready' | 'unhealthy' | 'draining' | 'stopping';

/** A signal that stops the cluster: SIGTERM, SIGINT, SIGHUP of a terminal that hung up, a watcher's own. */
export type StopSignal = NodeJS.Signals;

/** Why the supervisor wants a worker gone. Its own record of intent; exit codes are not read for it. */
export type LeaveReason =
  | 'reload'
  | 'reload-failed'
  | 'recycle'
  | 'retire'
  | 'scale'
  | 'stop'
  | 'failing'
  | 'boot-timeout'
  | 'boot-failed'
  | 'hang'
  | 'disconnected';

/** One worker process. */
export interface WorkerRecord {
  readonly id: number;
  readonly slot: number;
  readonly generation: number;
  /** Known once it is forked. */
  pid?: number;
  readonly forkedAt: number;
  /** What it said of the error that ends its boot. */
  bootError?: string;
  /** Shares of the recycle limits this worker is held to: 1 ± jitter. */
  readonly recycleFactor: number;
  phase: WorkerPhase;
  readyAt?: number;
  /** When it was last heard over the control channel. */
  heardAt: number;
  vitals?: Vitals;
  /** How long its application wants to be called unready before it is drained at a SIGTERM, in ms. */
  unreadyTime?: number;
  leaving?: LeaveReason;
  /** When it gets SIGTERM, and when SIGKILL, if it still lives. */
  termAt?: number;
  killAt?: number;
  /** Its control channel or its link to the bus closed; an exit is expected by then. */
  exitDueAt?: number;
  /** Why the bus lost it. */
  cutOff?: string;
}

/** One of the fixed places 0…N-1. */
export interface SlotRecord {
  readonly index: number;
  /** Worker that serves the slot, or is booting to. */
  current?: number;
  /** Worker that is to take over from `current`. */
  successor?: number;
  /** Set where `current` is to be replaced, replacement first. */
  replace?: 'reload' | 'recycle' | 'retire';
  /** Its first worker failed to boot; the next one waits until another slot's worker is ready. */
  hasFailed?: boolean;
  /** It lost its worker, and the log has not yet said that it has another. */
  isVacated?: boolean;
  /** Crashes since it last was healthy. */
  streak: number;
  /** Not forked again before this time. */
  retryAt: number;
  /** Its worker exited with code 0 before any worker was ready: it is not forked again. */
  isFinished?: boolean;
}

/** What the shell tells the supervisor. */
export type SupervisorEvent =
  | { readonly type: 'start' }
  | { readonly type: 'tick' }
  | { readonly type: 'forked'; readonly id: number; readonly pid: number }
  | { readonly type: 'online'; readonly id: number }
  | { readonly type: 'ready'; readonly id: number; readonly unreadyTime?: number }
  | { readonly type: 'heartbeat'; readonly id: number; readonly seq: number; readonly vitals: Vitals }
  | { readonly type: 'failing'; readonly id: number; readonly error: ErrorReport }
  | { readonly type: 'retire'; readonly id: number; readonly reason: string }
  | { readonly type: 'boot-failed'; readonly id: number; readonly error: ErrorReport; readonly fatal: boolean }
  | { readonly type: 'disconnected'; readonly id: number }
  /** Its link to the bus ended: with its process, or while that lives on and nobody can reach it. */
  | { readonly type: 'cut-off'; readonly id: number; readonly reason: string }
  /** `error`: why there never was a process. */
  | {
      readonly type: 'exited';
      readonly id: number;
      readonly code: number | null;
      readonly signal: string | null;
      readonly error?: string;
    }
  /** `requester`: the worker that asked; it leaves last. */
  | { readonly type: 'reload'; readonly requester?: number }
  | { readonly type: 'scale'; readonly workers: number }
  | { readonly type: 'stop'; readonly code: number }
  /** The first stops the cluster gracefully. */
  | { readonly type: 'signal'; readonly signal: StopSignal };

/** What the shell is to do. */
export type SupervisorAction =
  | { readonly type: 'fork'; readonly id: number; readonly slot: number; readonly generation: number }
  | { readonly type: 'joined'; readonly id: number }
  | { readonly type: 'suspected'; readonly id: number; readonly suspect: boolean }
  /** The cluster is asked to stop: from now on workers are to be called unready, while they serve on. */
  | { readonly type: 'stopping' }
  /** `signal`: by which its application is to think that it ends; undefined where an error ends it. */
  | {
      readonly type: 'drain';
      readonly id: number;
      readonly timeout: number;
      readonly reason: LeaveReason;
      readonly signal: StopSignal | undefined;
    }
  | { readonly type: 'isolate'; readonly id: number }
  | { readonly type: 'kill'; readonly id: number; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly type: 'lease'; readonly id: number; readonly seq: number; readonly term: number | undefined }
  | { readonly type: 'reload-progress'; readonly progress: ReloadProgress }
  | {
      readonly type: 'reload-done';
      readonly generation: number;
      /** Time from the request to the last replacement being ready, in ms. */
      readonly duration: number;
      readonly replaced: readonly {
        readonly slot: number;
        readonly oldId: number | undefined;
        readonly newId: number;
      }[];
    }
  /** `worker`: whose last lines of stderr explain it. */
  | { readonly type: 'reload-failed'; readonly reason: string; readonly worker: number | undefined }
  | { readonly type: 'reload-refused'; readonly reason: string }
  | { readonly type: 'scaled' }
  | { readonly type: 'log'; readonly level: 'log' | 'warn' | 'error'; readonly message: string }
  /** `worker`: whose last lines of stderr explain a non-zero code. */
  | { readonly type: 'exit'; readonly code: number; readonly worker: number | undefined };

/** The supervisor's whole memory. */
export interface SupervisorState {
  phase: 'idle' | 'running' | 'delaying' | 'stopping' | 'stopped';
  /** Number of slots that are wanted. */
  target: number;
  /** Generation that empty slots are filled with. */
  generation: number;
  readonly slots: SlotRecord[];
  readonly workers: Map<number, WorkerRecord>;
  nextId: number;
  everReady: boolean;
  /** Errors that ended a boot, as they were logged: each is logged once. */
  readonly bootErrors: Set<string>;
  /** The log has said that every slot has a ready worker. */
  isAnnounced: boolean;
  exitCode: number;
  /** When the first signal to stop came in. */
  signalledAt?: number;
  /** The signal that stops the cluster; undefined where something else does. */
  stopSignal?: StopSignal;
  /** Worker whose last lines of stderr explain the exit code. */
  blamed?: number;
  /** When a delayed stop begins to drain. */
  drainAt?: number;
  /** When the primary ends, whoever is still recorded as alive. */
  endAt?: number;
  scalePending: boolean;
}
