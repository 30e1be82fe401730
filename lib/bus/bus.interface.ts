import type { Encoded } from '../codec/codec.js';

/** A member's number: 0 is the primary; each worker process has one of its own that is never used again. */
export type MemberId = number;

/** The primary's member number. */
export const PRIMARY_ID: MemberId = 0;

/** How a member is named to users: its slot, or `'primary'`. */
export type Address = number | 'primary';

/** A ready worker, as every member of the bus sees it. @publicApi */
export interface Member {
  /** Number of this very process; a restarted slot gets a new one. */
  readonly id: MemberId;
  /** Slot, stable across restarts and reloads. */
  readonly slot: number;
  /** Generation of the build it runs; a reload counts it up. */
  readonly generation: number;
  readonly pid: number;
  /**
   * `'suspect'`: its heartbeat is overdue. With the embedded engine it gets no broadcast and no new task until it is
   * heard again. `'stopping'`: its cluster was asked to stop and the worker still serves, for `shutdown.delay`; with
   * the embedded engine only.
   */
  readonly state: 'ready' | 'suspect' | 'stopping';
  /** Whether its state is `'suspect'`. */
  readonly suspect: boolean;
  /** The host it runs on. With the embedded engine there is one host, and it has no name. */
  readonly host?: string;
  /** Number of the primary that supervises it: slots are counted within one. Absent with the embedded engine. */
  readonly primary?: MemberId;
  /** What it said of itself with its last heartbeat; absent with the embedded engine. */
  readonly load?: MemberLoad;
}

/** What a worker measures of itself. @publicApi */
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
  /** Redeliveries are used up: each worker that ran the task died; no payload. Tasks only. */
  | 'lost'
  /** The cluster stops, and no worker is left that could run it; no payload. Tasks only. */
  | 'stopping';

/** What every delivery says about itself. */
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
  /** Time of this host's monotonic clock, in ms, after which nobody waits any more; Infinity for none. */
  readonly deadline: number;
}

/** A task as the member that is to run it sees it; answer with `bus.settle(task, …)`. */
export interface Task extends Delivery {
  /** The queue's number for this task. */
  readonly id: number;
  /** The caller's `id` option, where it gave one. */
  readonly key: string | undefined;
  /** 1 on the first delivery; counts redeliveries and retries. */
  readonly attempt: number;
  /** As in `Request`. */
  readonly deadline: number;
  /** The process that asked first. */
  readonly fromId: MemberId;
}

/** An event that a member runs tasks of. */
export interface ServedEvent {
  readonly event: string;
  /** How many of its tasks it runs at a time. Default: any number. */
  readonly concurrency?: number;
  /** Only listeners by call handle it: over a broker, nobody works at its queue until somebody asks for it. */
  readonly onDemand?: boolean;
}

/** What a caller asks of the task queue. */
export interface TaskRequest {
  readonly event: string;
  readonly payload: Uint8Array;
  /** As in `Request`. */
  readonly deadline: number;
  /** Tasks of one event and key share one execution and one result. */
  readonly key?: string;
  /** How often the task goes to another worker after the one that ran it died. 0: at most once. */
  readonly redeliveries: number;
  /** How often the handler may run in all when it throws; 1: an error is final. */
  readonly attempts: number;
  /** Gets what the handler says of its progress, in order, before the answer; at most once each. */
  readonly onProgress?: (payload: Encoded) => void;
}

/** The answer to a request or task. `slot` is who answered. */
export interface Answer {
  readonly outcome: Outcome;
  readonly payload: Encoded;
  readonly slot: Address;
}

/** What `claim` resolves to: run it, or take the result somebody else's run gave. */
export type Claim =
  { readonly granted: true; readonly term: number } | { readonly granted: false; readonly answer: Answer };

/** The member's side of the bus: called by the engine, never throws, never waits. */
export interface BusReceiver {
  onPublish(publication: Publication): void;
  onRequest(request: Request): void;
  onTask(task: Task): void;
  /** The callers of a task that runs here have given it up before its deadline. */
  onAbandoned(task: number): void;
  /** The set of ready workers, or a flag of one of them, changed. */
  onMembers(members: readonly Member[]): void;
  /** The bus is gone for good (the primary died, or the link was cut). */
  onClosed(reason: string): void;
}

/**
 * What carries messages between members. An engine routes; it never looks into a payload and knows no
 * handler. Membership, map, deadlines of calls, errors and typing live above it, in the messenger.
 *
 * All methods but `open` may be called only after `open` resolved. Each rejects with NotConnectedError
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
  /** Largest payload the engine takes, in bytes. */
  readonly maxPayload: number;
  /** The ready workers, by slot, as last heard; another array after each change. */
  readonly members: readonly Member[];
  /** Slots that have a worker or get one, 0 to `slots - 1`, as last heard; 0 once the cluster stops. */
  readonly slots: number;

  /** Starts delivering to `receiver`. Resolves once this member has the first word of the membership. */
  open(receiver: BusReceiver): Promise<void>;

  /**
   * Says for which events this member runs tasks, in place of what it said before. Say `[]` where there are
   * none: until the first word of every ready worker, tasks wait for it.
   */
  serve(events: readonly ServedEvent[]): void;

  /**
   * To every ready, unsuspected worker at the time the bus routes it, and to the primary; the sender
   * always receives it too. At most once, FIFO per sender and receiver. Resolves when the bus took it:
   * waits while a receiver's queue is full, rejects with BackpressureError where waiting calls of this
   * member pile up over the queue limit (bytes).
   */
  publish(event: string, payload: Uint8Array): Promise<void>;

  /**
   * To one member; FIFO per sender and receiver. `waiter` gets its answer. Rejects with MemberLostError as
   * soon as the member is gone, and with DeliveryRefused when it was never handed over (the member
   * leaves or has left), so that the caller may turn to the slot's next member.
   * It keeps no clock: a caller whose deadline passed cancels.
   */
  request(to: MemberId, event: string, payload: Uint8Array, deadline: number, waiter: Waiter<Answer>): void;

  /**
   * The same request to each of these members, which may cost less than as many of `request`. `waiters` get their
   * answers, in the order of `to`: each as if its member alone had been asked.
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
   * Gives a task to one ready member that serves the event, the least busy with room for one more; waits while there
   * is none but one will be, in order with others of the event. Cancelled by all its callers before the deadline, it is
   * taken from the queue, or the member that runs it is told.
   */
  enqueue(task: TaskRequest, waiter: Waiter<Answer>): void;

  /**
   * To those who wait for the task and want to know. Resolves when the bus took it, as `publish` does, and rejects as
   * that does. What arrives after `settle` is dropped.
   */
  progress(task: Task, payload: Uint8Array): Promise<void>;

  settle(task: Task, outcome: Outcome, payload: Uint8Array): void;

  /**
   * At most one member holds the claim on `key` at a time. Granted: run it, then `conclude`. Otherwise
   * resolves to the answer that the holder concluded with; if the holder dies, another waiting claim is
   * granted. An 'ok' answer is kept for `ttl` ms (Infinity: for the cluster's life), an 'error' is
   * given to those waiting and then forgotten.
   */
  claim(key: string, ttl: number, waiter: Waiter<Claim>): void;

  /** The holder's answer. Does nothing where this member does not hold the claim. */
  conclude(key: string, outcome: 'ok' | 'error', payload: Uint8Array): void;

  /** Resolves when the supervisor's word that this member leaves has arrived in order: no new request or task follows. */
  readonly drained: Promise<void>;

  /** Resolves when everything sent so far has left this process. */
  flush(): Promise<void>;

  /** Ends this member's connection after what is queued was written. Pending calls reject with NotConnectedError. */
  close(): Promise<void>;
}

/**
 * Who waits for what comes of a call: one of `resolve` and `reject` is called, once, maybe before the call returns.
 *
 * The engine sets `cancel` where it has something to forget. The caller calls it to stop waiting; then neither is
 * called, and nothing of the call is kept. Lighter than a promise and an AbortSignal for each call.
 */
export interface Waiter<Result> extends Cancellable {
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/** Something that may be stopped while `cancel` is set. */
export interface Cancellable {
  cancel?: (() => void) | undefined;
}

/** What the members are told of a worker whose heartbeat is overdue, or whose cluster is asked to stop. */
export function standing(suspect: boolean, stopping = false): Pick<Member, 'state' | 'suspect'> {
  if (suspect) return { state: 'suspect', suspect };
  return { state: stopping ? 'stopping' : 'ready', suspect };
}

/**
 * `Bus.request` rejects with this when the request was never handed over: its receiver leaves, has left, or
 * takes nothing any more. It surely did not run; the caller may turn to the slot's next member.
 */
export class DeliveryRefused extends Error {
  override readonly name = 'DeliveryRefused';
}

/** The same of a member that was away when it was asked, and is taken for lost now: it may come back, and be asked again. */
export class MemberAway extends DeliveryRefused {}
