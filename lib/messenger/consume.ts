import { Observable } from 'rxjs';
import type { Answer, TaskRequest } from '../bus/bus.interface.js';
import { type Encoded, decode } from '../codec/codec.js';
import { InvalidArgumentError } from '../errors/errors.js';
import { checkName, checkOptions, readCount, readTime, show } from './arguments.js';
import type { BusConnection } from './bus-connection.js';
import { Deadline, PendingCall } from './deadline.js';
import { type CallInfo, noWorkerReady, timedOut, valueOf } from './outcome.js';

/** @publicApi */
export interface ConsumeOptions {
  /** How long to wait for the result, in ms; Infinity to wait forever. Default: `messenger.timeout`. */
  readonly timeout?: number;
  /**
   * Merges duplicates: calls with the same event and id share one execution and its result, from whichever worker they
   * come. This holds while the task waits or runs, and for a while after.
   */
  readonly id?: string;
  /** How many times the handler may run in total if it throws. Default 1: its error is final. */
  readonly attempts?: number;
  /** How many times another worker runs the task after the worker that ran it died. Default 2. */
  readonly redeliveries?: number;
  /**
   * `'at-most-once'`: the task is never delivered again, whatever happens. Default `'at-least-once'`: the handler may
   * run twice if a worker dies.
   */
  readonly delivery?: 'at-least-once' | 'at-most-once';
  /**
   * Gives up the task when it aborts: the call rejects at once with the signal's reason. A waiting task will not run.
   * If the task is running, its handler's `context.signal` aborts. Other calls with the same `id` still get the
   * result.
   */
  readonly signal?: AbortSignal;
}

/** What `consume$` emits: any number of progress values, then the result. @publicApi */
export type TaskEvent<Result> =
  | {
      readonly type: 'progress';
      /** The value that the handler passed to `context.progress()`. */
      readonly value: unknown;
    }
  | {
      readonly type: 'result';
      /** What the handler returned. */
      readonly value: Result;
    };

/** The checked options of a `consume` call. */
export interface Policy extends Pick<TaskRequest, 'key' | 'redeliveries' | 'attempts'> {
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

const OPTIONS = ['timeout', 'id', 'attempts', 'redeliveries', 'delivery', 'signal'];
const DEFAULT_REDELIVERIES = 2;

/** Checks the options of a `consume` call and fills in the defaults. */
export function readConsumeOptions(call: string, options: ConsumeOptions | undefined, timeout: number): Policy {
  checkOptions(call, options, OPTIONS);
  const { id, delivery = 'at-least-once', signal } = options ?? {};
  if (id !== undefined) checkName(call, 'id', id);
  if (delivery !== 'at-least-once' && delivery !== 'at-most-once') {
    throw new InvalidArgumentError(
      `${call}: delivery must be 'at-least-once' or 'at-most-once', not ${show(delivery)}.`,
    );
  }
  if (signal !== undefined && !isAbortSignal(signal)) {
    throw new InvalidArgumentError(`${call}: signal must be an AbortSignal, not ${show(signal)}.`);
  }
  const once = delivery === 'at-most-once';
  const attempts = readCount(call, 'attempts', options?.attempts, 1, 1);
  const redeliveries = readCount(call, 'redeliveries', options?.redeliveries, 0, once ? 0 : DEFAULT_REDELIVERIES);
  if (once && (attempts > 1 || redeliveries > 0)) {
    const option = attempts > 1 ? `attempts: ${attempts}` : `redeliveries: ${redeliveries}`;
    throw new InvalidArgumentError(`${call}: delivery 'at-most-once' contradicts ${option}. Leave one of them out.`);
  }
  return { key: id, attempts, redeliveries, signal, timeout: readTime(call, 'timeout', options?.timeout, timeout) };
}

/** Checks for the needed members, not the class, so that a signal of another realm is accepted. */
function isAbortSignal(value: unknown): boolean {
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}

/** A call that waits for the result of a task. */
class TaskCall extends PendingCall<Answer> {
  constructor(
    deadline: Deadline,
    private readonly connection: BusConnection,
    private readonly call: CallInfo,
    private readonly task: TaskRequest,
    protected readonly fulfil: (value: unknown) => void,
    protected readonly fail: (reason: unknown) => void,
  ) {
    super(deadline);
  }

  enqueue(): void {
    this.connection.serveNow();
    this.connection.bus.enqueue(this.task, this);
  }

  protected read(answer: Answer): unknown {
    return valueOf(answer, this.call, 'any ready worker');
  }

  protected expired(): Error {
    const nobody = this.connection.slots().length === 0;
    return nobody ? noWorkerReady(this.call) : timedOut(this.call, 'no result came in time');
  }
}

const enqueue = (pending: TaskCall): void => pending.enqueue();

/** Adds a task to the queue and waits for its result; `onProgress` gets the progress values before it. */
export function consume(
  connection: BusConnection,
  label: string,
  event: string,
  payload: Uint8Array,
  { timeout, signal, key, redeliveries, attempts }: Policy,
  onProgress?: (value: unknown) => void,
): Promise<unknown> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  const call = { label, event, timeout };
  const deadline = new Deadline(timeout);
  const decoded = onProgress && decodeProgress(onProgress, deadline);
  const task: TaskRequest = { event, payload, deadline: deadline.at, key, redeliveries, attempts, onProgress: decoded };
  const result = new Promise((resolve, reject) => {
    new TaskCall(deadline, connection, call, task, resolve, reject).wait((pending) =>
      connection.whenOpen(label, pending, enqueue),
    );
  });
  return signal === undefined ? result : unlessAborted(signal, deadline, result);
}

/** Decodes progress values; one that cannot be decoded fails the call. */
function decodeProgress(onProgress: (value: unknown) => void, deadline: Deadline): (payload: Encoded) => void {
  return (payload) => {
    let value: unknown;
    try {
      value = decode(payload);
    } catch (error) {
      return deadline.abort(error);
    }
    onProgress(value);
  };
}

async function unlessAborted<T>(signal: AbortSignal, deadline: Deadline, result: Promise<T>): Promise<T> {
  const giveUp = () => deadline.abort(signal.reason);
  signal.addEventListener('abort', giveUp);
  try {
    return await result;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** Emits the events of a task until it settles. Unsubscribing, or aborting `signal`, aborts the signal of the call. */
export function taskEvents(
  signal: AbortSignal | undefined,
  start: (signal: AbortSignal, onProgress: (value: unknown) => void) => Promise<unknown>,
): Observable<TaskEvent<unknown>> {
  return new Observable<TaskEvent<unknown>>((subscriber) => {
    const controller = new AbortController();
    const giveUp = () => controller.abort(signal!.reason);
    if (signal?.aborted) giveUp();
    signal?.addEventListener('abort', giveUp);
    const progressed = (value: unknown) => subscriber.next({ type: 'progress', value });
    start(controller.signal, progressed).then(
      (value) => {
        subscriber.next({ type: 'result', value });
        subscriber.complete();
      },
      (error: unknown) => subscriber.error(error),
    );
    return () => {
      signal?.removeEventListener('abort', giveUp);
      controller.abort();
    };
  });
}
