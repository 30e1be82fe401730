import type { Encoded } from '../codec/codec.js';

/** A member's number. 0 is the primary; each worker process has its own number, which is never reused. */
export type MemberId = number;

/** The primary's member number. */
export const PRIMARY_ID: MemberId = 0;

/** The name of a member for users: its slot, or `'primary'`. */
export type Address = number | 'primary';

/** A ready worker, as every member of the bus sees it. @publicApi */
export interface Member {
  /** Number of this process; when a slot is restarted, its new process gets a new number. */
  readonly id: MemberId;
  /** The worker's slot, stable across restarts and reloads. */
  readonly slot: number;
  /** Generation of the build that it runs; each reload adds 1. */
  readonly generation: number;
  readonly pid: number;
  /**
   * `'suspect'`: its heartbeat is overdue. With the embedded engine it gets no broadcast and no new task until its
   * heartbeat arrives again. `'stopping'`: its cluster was asked to stop, and the worker still serves for
   * `shutdown.delay`; with the embedded engine only.
   */
  readonly state: 'ready' | 'suspect' | 'stopping';
  /** Whether its state is `'suspect'`. */
  readonly suspect: boolean;
  /** The host it runs on. Absent with the embedded engine, which has only one host. */
  readonly host?: string;
  /** Number of the primary that supervises it: each primary counts its own slots. Absent with the embedded engine. */
  readonly primary?: MemberId;
  /** What it reported with its last heartbeat; absent with the embedded engine. */
  readonly load?: MemberLoad;
}

/** What a worker reports about its own load. @publicApi */
export interface MemberLoad {
  /** HTTP requests and messenger handlers that are running. */
  readonly inFlight: number;
  /** Event-loop utilisation, 0 to 1. */
  readonly utilisation: number;
  /** Resident set size in bytes. */
  readonly rss: number;
}

/** How a request or task ended. */
export type Outcome =
  /** The payload is the handler's encoded return value. */
  | 'ok'
  /** The payload is the encoded SerializedError of the handler's error. */
  | 'error'
  /** The receiver has no handler for the event; no payload. */
  | 'no-handler'
  /** The deadline had passed before the handler was started; no payload. */
  | 'expired'
  /** No redelivery is left, and each worker that ran the task died; no payload. Tasks only. */
  | 'lost'
  /** The cluster is stopping, and no worker is left that could run it; no payload. Tasks only. */
  | 'stopping';

/** What every delivery contains. */
export interface Delivery {
  readonly event: string;
  readonly payload: Encoded;
  /** The member that sent it. */
  readonly from: Address;
}

/** A broadcast as a member receives it. */
export interface Publication extends Delivery {
  readonly id: number;
}

/** A directed request as its receiver sees it; answer with `bus.reply(request, …)`. */
export interface Request extends Delivery {
  /** The caller's own number for the call. */
  readonly id: number;
  readonly fromId: MemberId;
  /** When callers stop waiting, by this host's monotonic clock, in ms; Infinity for never. */
  readonly deadline: number;
}

/** A task as the member that should run it sees it; answer with `bus.settle(task, …)`. */
export interface Task extends Delivery {
  /** The queue's number for this task. */
  readonly id: number;
  /** The `id` option of the caller, if given. */
  readonly key: string | undefined;
  /** 1 on the first delivery; redeliveries and retries add 1. */
  readonly attempt: number;
  /** As in `Request`. */
  readonly deadline: number;
  /** The process that requested the task first. */
  readonly fromId: MemberId;
}

/** An event whose tasks a member runs. */
export interface ServedEvent {
  readonly event: string;
  /** How many of its tasks the member runs at once. Default: no limit. */
  readonly concurrency?: number;
  /**
   * Only listeners added by a call handle it. With a broker, its queue gets no consumer until somebody calls `consume`.
   */
  readonly onDemand?: boolean;
}

/** A task that a caller adds to the queue. */
export interface TaskRequest {
  readonly event: string;
  readonly payload: Uint8Array;
  /** As in `Request`. */
  readonly deadline: number;
  /** Tasks of one event and key share one execution and one result. */
  readonly key?: string;
  /** How many times the task goes to another worker after the one that ran it died. 0: at most once. */
  readonly redeliveries: number;
  /** How many times the handler may run in total if it throws; 1: an error is final. */
  readonly attempts: number;
  /** Called with the progress values of the handler, in order, before the answer; at most once each. */
  readonly onProgress?: (payload: Encoded) => void;
}

/** The answer to a request or task. `slot` is the member that answered. */
export interface Answer {
  readonly outcome: Outcome;
  readonly payload: Encoded;
  readonly slot: Address;
}

/** The result of `claim`: run it, or take the answer of another member's run. */
export type Claim =
  { readonly granted: true; readonly term: number } | { readonly granted: false; readonly answer: Answer };

/** The member's side of the bus. The engine calls it. It must not throw or wait. */
export interface BusReceiver {
  onPublish(publication: Publication): void;
  onRequest(request: Request): void;
  onTask(task: Task): void;
  /** The callers of a task that is running here have given it up before its deadline. */
  onAbandoned(task: number): void;
  /** The set of ready workers has changed, or the state of one of them. */
  onMembers(members: readonly Member[]): void;
  /** The bus is gone for good: the primary died, or the link was cut. */
  onClosed(reason: string): void;
}

/**
 * Carries messages between members. A bus routes messages; it never looks into a payload and knows no
 * handlers. Membership, map, deadlines of calls, errors and types are the messenger's, one layer above.
 *
 * All methods except `open` may be called only after `open` has resolved. Each rejects with NotConnectedError
 * once the bus is closed.
 */
export interface Bus {
  readonly self: {
    readonly id: MemberId;
    readonly address: Address;
    readonly generation: number;
    /** As in `Member`. */
    readonly primary?: MemberId;
  };
  /** Largest payload that the engine accepts, in bytes. */
  readonly maxPayload: number;
  /** The ready workers, sorted by slot, as last heard; a new array after each change. */
  readonly members: readonly Member[];
  /** The number of slots that have a worker or will get one, as last heard; 0 once the cluster stops. */
  readonly slots: number;

  /** Starts delivering to `receiver`. Resolves when this member knows the membership for the first time. */
  open(receiver: BusReceiver): Promise<void>;

  /**
   * Sets the events whose tasks this member runs; replaces the earlier list. Call it with `[]` if there are none: tasks
   * wait until every ready worker has told its first list.
   */
  serve(events: readonly ServedEvent[]): void;

  /**
   * Sends to every worker that is ready and not suspect when the bus routes the message, and to the primary. The
   * sender always receives it, too. At most once, FIFO per sender and receiver. Resolves when the bus has accepted the
   * message; waits while a receiver's queue is full. Rejects with BackpressureError if the waiting calls of this
   * member exceed the queue limit (bytes).
   */
  publish(event: string, payload: Uint8Array): Promise<void>;

  /**
   * Sends to one member; FIFO per sender and receiver. `waiter` gets its answer. Rejects with MemberLostError as
   * soon as the member is gone, and with DeliveryRefused if the request was never delivered (the member is
   * leaving or has left), so that the caller may turn to the slot's next member.
   * It keeps no clock: the caller must cancel when its deadline has passed.
   */
  request(to: MemberId, event: string, payload: Uint8Array, deadline: number, waiter: Waiter<Answer>): void;

  /**
   * Sends the same request to each of these members, which may cost less than separate calls of `request`. `waiters`
   * get their answers, in the order of `to`, as if each member had been asked alone.
   */
  requestEach(
    to: readonly MemberId[],
    event: string,
    payload: Uint8Array,
    deadline: number,
    waiters: readonly Waiter<Answer>[],
  ): void;

  reply(request: Request, outcome: Outcome, payload: Uint8Array): void;

  /**
   * Gives a task to the least busy of the ready members that serve the event and have room for one more. Waits while
   * there is none but there may be one later, in order with other tasks of the event. If all its callers cancel before
   * the deadline, the task is removed from the queue, or the member that runs it is told.
   */
  enqueue(task: TaskRequest, waiter: Waiter<Answer>): void;

  /**
   * Sends a progress value to the callers that wait for the task and want its progress. Resolves and rejects as
   * `publish` does. Values that arrive after `settle` are dropped.
   */
  progress(task: Task, payload: Uint8Array): Promise<void>;

  settle(task: Task, outcome: Outcome, payload: Uint8Array): void;

  /**
   * Claims `key`: at most one member holds the claim at a time. If it is granted, run it, then `conclude`. Otherwise
   * resolves to the answer that the holder concluded with; if the holder dies, another waiting claim is
   * granted. An 'ok' answer is kept for `ttl` ms (Infinity: for the lifetime of the cluster). An 'error' is
   * given to those that wait, and then forgotten.
   */
  claim(key: string, ttl: number, waiter: Waiter<Claim>): void;

  /** Publishes the holder's answer. Does nothing if this member does not hold the claim. */
  conclude(key: string, outcome: 'ok' | 'error', payload: Uint8Array): void;

  /**
   * Resolves when the supervisor's message that this member leaves has arrived, in order: no request or task follows.
   */
  readonly drained: Promise<void>;

  /** Resolves when everything sent so far has left this process. */
  flush(): Promise<void>;

  /**
   * Closes this member's connection after everything in the queue was written. Pending calls reject with
   * NotConnectedError.
   */
  close(): Promise<void>;
}

/**
 * Waits for the result of a call. Either `resolve` or `reject` is called, once, possibly before the call returns.
 *
 * The engine sets `cancel` if it has something to clean up. The caller calls it to stop waiting; then neither is
 * called, and nothing of the call is kept. Cheaper than a promise and an AbortSignal for each call.
 */
export interface Waiter<Result> extends Cancellable {
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/** Something that can be stopped while `cancel` is set. */
export interface Cancellable {
  cancel?: (() => void) | undefined;
}

/** The state of a worker as other members see it. */
export function standing(suspect: boolean, stopping = false): Pick<Member, 'state' | 'suspect'> {
  if (suspect) return { state: 'suspect', suspect };
  return { state: stopping ? 'stopping' : 'ready', suspect };
}

/**
 * `Bus.request` rejects with this if the request was never delivered: its receiver is leaving, has left, or accepts
 * nothing any more. The handler certainly did not run, so the caller may turn to the slot's next member.
 */
export class DeliveryRefused extends Error {
  override readonly name = 'DeliveryRefused';
}

/**
 * As `DeliveryRefused`, for a member that was away and now counts as lost: it may come back, and may be asked again.
 */
export class MemberAway extends DeliveryRefused {}
