import type { ResolvedClusterOptions } from '../../options/cluster-options.interface.js';
import type { ReloadProgress } from '../../runtime/reload.interface.js';
import type { ErrorReport, Vitals } from '../../protocol/messages.js';

/** The settings of the supervisor. */
export type SupervisorOptions = Pick<
  ResolvedClusterOptions,
  'startup' | 'restart' | 'shutdown' | 'reload' | 'watchdog' | 'recycle'
> & {
  /** Number of slots to begin with, at least 1. */
  readonly workers: number;
  /**
   * Whether a watcher restarts the cluster after each edit. If so, the first worker boots alone and the others follow
   * once it is ready, so that an edit is served sooner; and a stop does not wait for workers that are still booting.
   */
  readonly isWatched?: boolean;
};

/**
 * The phase of a worker's life. A slot without a worker has no phase: it waits for its retry time (backoff) or for the
 * breaker.
 */
export type WorkerPhase = 'spawning' | 'booting' | 'ready' | 'unhealthy' | 'draining' | 'stopping';

/**
 * A signal that stops the cluster: SIGTERM, SIGINT, the SIGHUP of a terminal that hung up, or a watcher's own signal.
 */
export type StopSignal = NodeJS.Signals;

/**
 * Why the supervisor makes a worker leave. This is its own decision, recorded at that time; it is never derived from an
 * exit code.
 */
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
  /** Known once the process is forked. */
  pid?: number;
  readonly forkedAt: number;
  /** The error that ends its boot, as the worker reported it. */
  bootError?: string;
  /** Factor by which the recycle limits of this worker are multiplied: between 1 - jitter and 1. */
  readonly recycleFactor: number;
  phase: WorkerPhase;
  readyAt?: number;
  /** When the last event of this worker arrived. */
  heardAt: number;
  vitals?: Vitals;
  /** How long its application wants to be reported as not ready before it is drained after a SIGTERM, in ms. */
  unreadyTime?: number;
  leaving?: LeaveReason;
  /** When it gets SIGTERM, and when it gets SIGKILL, if it is still alive then. */
  termAt?: number;
  killAt?: number;
  /** Set when its control channel or its link to the bus has closed: the process should have exited by this time. */
  exitDueAt?: number;
  /** Why its link to the bus has ended. */
  cutOff?: string;
}

/** One of the slots 0 to N - 1. */
export interface SlotRecord {
  readonly index: number;
  /** The worker that serves the slot, or is booting to serve it. */
  current?: number;
  /** The worker that will replace `current` once it is ready. */
  successor?: number;
  /** Why `current` should be replaced; it leaves only after its replacement is ready. */
  replace?: 'reload' | 'recycle' | 'retire';
  /** Its first worker failed to boot; the slot is not forked again until the worker of another slot is ready. */
  hasFailed?: boolean;
  /** It has lost its worker, and it is not logged yet that it has a new one. */
  isVacated?: boolean;
  /** Crashes since its worker was last healthy. */
  streak: number;
  /** The slot is not forked again before this time. */
  retryAt: number;
  /** Its worker exited with code 0 before any worker was ready: it is not forked again. */
  isFinished?: boolean;
}

/** The events that the supervisor handles. */
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
  /** Its link to the bus has ended: because its process ended, or although the process is still running. */
  | { readonly type: 'cut-off'; readonly id: number; readonly reason: string }
  /** `error`: why the process could not be started. */
  | {
      readonly type: 'exited';
      readonly id: number;
      readonly code: number | null;
      readonly signal: string | null;
      readonly error?: string;
    }
  /** `requester`: the worker that requested the reload, which leaves last. */
  | { readonly type: 'reload'; readonly requester?: number }
  | { readonly type: 'scale'; readonly workers: number }
  | { readonly type: 'stop'; readonly code: number }
  /** The first signal stops the cluster gracefully. */
  | { readonly type: 'signal'; readonly signal: StopSignal };

/** The actions that the primary carries out for the supervisor. */
export type SupervisorAction =
  | { readonly type: 'fork'; readonly id: number; readonly slot: number; readonly generation: number }
  | { readonly type: 'joined'; readonly id: number }
  | { readonly type: 'suspected'; readonly id: number; readonly suspect: boolean }
  /** The cluster was asked to stop: from now on, workers report that they are not ready, but they keep serving. */
  | { readonly type: 'stopping' }
  /** `signal`: the signal that the application's shutdown hooks are given; undefined if an error ends the worker. */
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
      /** Time from the request until the last replacement was ready, in ms. */
      readonly duration: number;
      readonly replaced: readonly {
        readonly slot: number;
        readonly oldId: number | undefined;
        readonly newId: number;
      }[];
    }
  /** `worker`: the worker whose last lines of stderr explain the failure. */
  | { readonly type: 'reload-failed'; readonly reason: string; readonly worker: number | undefined }
  | { readonly type: 'reload-refused'; readonly reason: string }
  | { readonly type: 'scaled' }
  | { readonly type: 'log'; readonly level: 'log' | 'warn' | 'error'; readonly message: string }
  /** `worker`: the worker whose last lines of stderr explain a non-zero code. */
  | { readonly type: 'exit'; readonly code: number; readonly worker: number | undefined };

/** The complete state of the supervisor. */
export interface SupervisorState {
  phase: 'idle' | 'running' | 'delaying' | 'stopping' | 'stopped';
  /** The wanted number of slots. */
  target: number;
  /** The generation of the workers that are forked for empty slots. */
  generation: number;
  readonly slots: SlotRecord[];
  readonly workers: Map<number, WorkerRecord>;
  nextId: number;
  everReady: boolean;
  /** Errors that ended a boot and were logged, with '#' in place of each number: each is logged once. */
  readonly bootErrors: Set<string>;
  /** Whether it was logged that every slot has a ready worker. */
  isAnnounced: boolean;
  exitCode: number;
  /** When the first stop signal arrived. */
  signalledAt?: number;
  /** The signal that stops the cluster; undefined if something else stops it. */
  stopSignal?: StopSignal;
  /** The worker whose last lines of stderr explain the exit code. */
  blamed?: number;
  /** When a stop that is being delayed begins to drain the workers. */
  drainAt?: number;
  /** When the primary ends, even if workers are still recorded as alive. */
  endAt?: number;
  scalePending: boolean;
}
