import { printable } from './printable.js';
import { messageOf, shortened } from './read-error.js';

const BRAND = Symbol.for('nestjs-cluster.error');

/**
 * The base class of all errors that this package raises itself.
 *
 * `code` is stable and made for programs. `message` names what was refused, its value and the remedy.
 * Text that a message quotes, such as the name of an event, is written without control characters.
 * `instanceof` works across two copies of the package in one process: classes are matched by code.
 *
 * @publicApi
 */
export class ClusterError extends Error {
  /** Stable identifier of the kind of failure, e.g. `ERR_CLUSTER_TIMEOUT`. */
  readonly code: string;
  /** The code of errors of this class; undefined in a class whose errors may carry any code. */
  static readonly code: string | undefined = undefined;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.code = code;
    this.name = new.target.name;
    Object.defineProperty(this, BRAND, { value: true });
  }

  static override [Symbol.hasInstance](
    this: Function & { readonly code?: string | undefined },
    value: unknown,
  ): boolean {
    if (typeof value !== 'object' || value === null) return false;
    try {
      if (!(BRAND in value)) return false;
      if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
      return this.code === undefined
        ? (this as unknown) === ClusterError
        : (value as { code?: unknown }).code === this.code;
    } catch {
      // Some proxies cannot be inspected, such as a revoked one.
      return false;
    }
  }
}

/** An option, an environment variable or a combination of them is invalid, or `forRoot` is called twice. @publicApi */
export class ClusterOptionsError extends ClusterError {
  static override readonly code = 'ERR_CLUSTER_OPTIONS';
  constructor(message: string, options?: ErrorOptions) {
    super(ClusterOptionsError.code, message, options);
  }
}

/** An event name, slot or other argument of a messenger call is invalid. @publicApi */
export class InvalidArgumentError extends ClusterError {
  static override readonly code = 'ERR_CLUSTER_INVALID_ARGUMENT';
  constructor(message: string, options?: ErrorOptions) {
    super(InvalidArgumentError.code, message, options);
  }
}

/** The event has no handler that could answer. @publicApi */
export class NoHandlerError extends ClusterError {
  static override readonly code = 'ERR_CLUSTER_NO_HANDLER';
  constructor(
    /** The event without a handler. */
    readonly event: string,
    where: string,
  ) {
    super(
      NoHandlerError.code,
      `No handler for event '${event}' in ${where}. Decorate a method of a provider or controller with ` +
        `@OnClusterEvent('${event}') or @ConsumeOnce('${event}'), or call messenger.on('${event}', …), ` +
        `in a module that is imported there.`,
    );
  }
}

/**
 * The app's ContextIdStrategy threw for an event, so no instance of a request-scoped or durable handler could be made.
 * `cause` is the error that the strategy threw. @publicApi
 */
export class EventContextError extends ClusterError {
  static override readonly code = 'ERR_CLUSTER_EVENT_CONTEXT';
  constructor(
    /** The event's name. */
    readonly event: string,
    handler: string,
    strategy: string | undefined,
    cause: unknown,
  ) {
    super(
      EventContextError.code,
      `${strategy ?? 'The ContextIdStrategy'}, the app's ContextIdStrategy, could not read event '${event}' for ` +
        `${handler}: ${messageOf(cause)}. The request of an event is ` +
        `{ data, context } and has no headers: let attach() take what it needs from request.data where ` +
        `request.context is a ClusterEventContext, and send it along.`,
      { cause },
    );
  }
}

/** The deadline of a call passed before its answer came. @publicApi */
export class ClusterTimeoutError extends ClusterError {
  static override readonly code = 'ERR_CLUSTER_TIMEOUT';
  constructor(message: string, options?: ErrorOptions) {
    super(ClusterTimeoutError.code, message, options);
  }
}

/** The member that should have answered is gone. @publicApi */
export class MemberLostError extends ClusterError {
  static override readonly code = 'ERR_CLUSTER_MEMBER_LOST';
  constructor(
    /** The slot of the lost member, or `'primary'`. */
    readonly slot: number | 'primary',
    message: string,
  ) {
    super(MemberLostError.code, message);
  }
}

/**
 * The process has no connection to the cluster's bus: it is shutting down, the primary is gone, or the broker cannot be
 * reached. @publicApi
 */
export class NotConnectedError extends ClusterError {
  static override readonly code = 'ERR_CLUSTER_NOT_CONNECTED';
  constructor(message: string, options?: ErrorOptions) {
    super(NotConnectedError.code, message, options);
  }
}

/** An encoded payload is larger than `messenger.maxPayload`, in bytes. @publicApi */
export class PayloadTooLargeError extends ClusterError {
  static override readonly code = 'ERR_CLUSTER_PAYLOAD_TOO_LARGE';
  constructor(event: string, size: number, limit: number) {
    super(
      PayloadTooLargeError.code,
      `The payload of '${event}' is ${size} bytes, over the limit of ${limit}. Send a reference (a path, a key) ` +
        `instead of the content, or raise the option messenger.maxPayload.`,
    );
  }
}

/** A payload contains something that cannot be cloned, such as a function. @publicApi */
export class PayloadNotCloneableError extends ClusterError {
  static override readonly code = 'ERR_CLUSTER_PAYLOAD_NOT_CLONEABLE';
  constructor(event: string, what: string, options?: ErrorOptions) {
    super(
      PayloadNotCloneableError.code,
      `The payload of '${event}' cannot be sent to another process: ${what}. Send data that structuredClone() accepts.`,
      options,
    );
  }
}

/** A send queue is full (`messenger.queueLimit`), so the call was not queued. @publicApi */
export class BackpressureError extends ClusterError {
  static override readonly code = 'ERR_CLUSTER_BACKPRESSURE';
  constructor(message: string) {
    super(BackpressureError.code, message);
  }
}

/** The call, such as `reload()` or `scale()`, needs a cluster, and this process runs without one. @publicApi */
export class ClusterDisabledError extends ClusterError {
  static override readonly code = 'ERR_CLUSTER_DISABLED';
  constructor(call: string) {
    super(
      ClusterDisabledError.code,
      `${call} needs a cluster, and this process runs standalone (a test, a script, a child process, or enabled: false). ` +
        `Start the app by its own main script with ClusterModule enabled, or do not call it here.`,
    );
  }
}

/** A rolling reload was refused or failed; the workers of the old build keep serving. @publicApi */
export class ReloadError extends ClusterError {
  static override readonly code = 'ERR_CLUSTER_RELOAD_FAILED';
  constructor(message: string, options?: ErrorOptions) {
    super(ReloadError.code, message, options);
  }
}

/** A request such as `scale()`, or `retry()` of DeadLetterService, was refused. @publicApi */
export class ClusterRequestError extends ClusterError {
  static override readonly code = 'ERR_CLUSTER_REQUEST_REFUSED';
  constructor(message: string, options?: ErrorOptions) {
    super(ClusterRequestError.code, message, options);
  }
}

/** The form in which an error travels; `RemoteError` is rebuilt from it. */
export interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string | number;
  /** The error's own enumerable properties that can be cloned. */
  readonly data?: unknown;
  /** Absent where NODE_ENV is 'production'. */
  readonly stack?: string;
}

/**
 * An error that a handler threw in another process, rebuilt here.
 *
 * `name`, `message` and `data` are those of the original, and so is `code` if the original has one. `stack` is also the
 * original's, unless the handler ran with NODE_ENV=production.
 *
 * @publicApi
 */
export class RemoteError extends ClusterError {
  static override readonly code = 'ERR_CLUSTER_REMOTE';
  /** The original error's own enumerable properties. */
  readonly data: unknown;
  declare readonly code: string;

  constructor(
    original: SerializedError,
    /** The slot whose handler threw, or `'primary'`. */
    readonly slot: number | 'primary',
  ) {
    super((original.code as string | undefined) ?? RemoteError.code, original.message);
    // Programs get the message exactly as it was thrown. A log that shows it must escape control characters itself.
    Object.defineProperty(this, 'message', { value: original.message, writable: true, configurable: true });
    this.name = original.name;
    this.data = original.data;
    if (original.stack !== undefined) this.stack = original.stack;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

/** The message of a `MapError` shows up to this many characters of each failure; `errors` holds the full messages. */
const MAX_OF_EACH = 1_000;

/** One member that failed in a `map`, and its error. */
export interface MapFailure {
  readonly slot: number | 'primary';
  /** The member's host; absent with the embedded engine, which has only one host. */
  readonly host?: string;
  readonly error: Error;
}

/** `map` rejects with this error if one or more members failed. @publicApi */
export class MapError extends ClusterError {
  static override readonly code = 'ERR_CLUSTER_MAP';
  /** The errors of `failures`, as in AggregateError. */
  readonly errors: readonly Error[];
  constructor(
    event: string,
    /** One entry for each member that failed: its `slot`, its `host` with an engine, and the `error`. */
    readonly failures: readonly MapFailure[],
    members: number,
  ) {
    const who = failures
      .map(
        ({ slot, host, error }) =>
          `slot ${slot}${host === undefined ? '' : ` of ${host}`}: ${shortened(error.message, MAX_OF_EACH)}`,
      )
      .join('; ');
    super(
      MapError.code,
      `map('${event}') failed in ${failures.length} of ${members} members (${who}). ` +
        `Use mapSettled('${event}') to get the results of the others.`,
    );
    this.errors = failures.map(({ error }) => error);
  }
}
