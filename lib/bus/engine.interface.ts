/**
 * What a broker must offer so that the messenger can span hosts. An engine sends bytes by subject, hands out tasks and
 * stores small records. Members, calls, deadlines, results, claims and the leader are built on it, once for all
 * engines, in `distributed-bus/`.
 *
 * Subjects, queues, store names, keys and ids consist of letters, digits, `-` and `_`. An engine must keep the names of
 * two clusters, or of two environments of one cluster, apart.
 *
 * @publicApi
 */
export interface Engine {
  /** The engine's name in logs and errors, such as `'NATS'`. */
  readonly name: string;
  /** Largest message that the broker accepts, in bytes; Infinity until that is known. */
  readonly maxMessage: number;
  /** Whether a message that is sent now can reach the broker. */
  readonly isConnected: boolean;
  /**
   * For brokers that may give tasks to members that are gone, without noticing. A task must then be extended at least
   * once per this many ms, however long its lease is, or it is handed out again. A member that gets it again waits for
   * the rest of the lease if the task had been started.
   */
  readonly longestSilence?: number;
  /** Why it is not connected now, if known; contains no secrets. Errors and the log quote it. */
  readonly trouble?: string | undefined;

  /**
   * Connects, and reconnects forever when the connection is lost. Resolves at the first contact, when everything the
   * engine needs on the broker is there.
   *
   * @throws ClusterOptionsError if the broker refuses permanently, because of credentials or a disabled feature. A
   *   caller that can do without the broker meanwhile calls again. Never for a temporary problem, such as a missing
   *   quorum
   */
  connect(listener: EngineListener): Promise<void>;

  /**
   * Sends to all current subscribers of the subject, at most once, in order for each sender and receiver over
   * all subjects. Does not wait.
   *
   * @throws Error if it is not connected
   */
  publish(subject: string, message: Uint8Array): void;

  /** Resolves when the broker has received all earlier messages, and all earlier subscriptions are in force. */
  flush(): Promise<void>;

  /**
   * Calls `receive` with messages to `subject`, across lost connections. Returns a function that ends the subscription.
   */
  subscribe(subject: string, receive: (message: Uint8Array) => void): () => void;

  /** Returns a store whose records are kept for `ttl` ms after their last write. Each name has one `ttl`. */
  store(name: string, ttl: number): Store;

  /**
   * Adds a task to a queue; it survives this process and a restart of the broker. If it rejects, it is unknown whether
   * the task is in the queue; repeating the same call is safe.
   *
   * @returns false if a task with this id is already in the queue, or was added within the last two minutes
   * @throws BackpressureError if the broker has no room for it; then it is certainly not in the queue
   */
  enqueue(queue: string, id: string, message: Uint8Array): Promise<boolean>;

  /**
   * Removes a task from its queue, even while it is handed out: it is never handed out again. Does nothing if there is
   * none.
   */
  withdraw(queue: string, id: string): Promise<void>;

  /**
   * Hands out tasks of a queue, each to one of its workers, and only as many as were granted. A task that is
   * neither acknowledged nor extended for `lease` ms is handed out again.
   */
  work(queue: string, lease: number, receive: (task: LeasedTask) => void): QueueWorker;

  /**
   * Closes the connection after everything published has been sent. A connection that the user passed in stays open.
   */
  close(): Promise<void>;
}

/** Events of the connection. The engine calls them; they must not throw. @publicApi */
export interface EngineListener {
  /** The connection is there, for the first time or again. */
  onConnected(): void;
  /** The connection is lost. Messages that were sent last may be lost, too. */
  onDisconnected(reason: string): void;
  /** A warning for the operator. */
  onWarning(message: string): void;
}

/** A member's consumer of a queue. @publicApi */
export interface QueueWorker {
  /** Allows this many more tasks to be handed out to it. Grants survive a lost connection. */
  grant(tasks: number): void;
  /** Takes no more tasks. Tasks that are on the way may still arrive, and it keeps those that it has. */
  stop(): void;
}

/** A task that was handed out. @publicApi */
export interface LeasedTask {
  readonly id: string;
  readonly message: Uint8Array;
  /** How many times it was handed out, including this time. */
  readonly attempt: number;
  /** Restarts the lease. One call may get lost without harm: a lease is longer than several intervals between calls. */
  extend(): void;
  /** The task is done and must never be handed out again. Resolves when the broker knows. */
  acknowledge(): Promise<void>;
  /** Puts it back into the queue, for any worker. */
  release(): void;
}

/** A record and its version. Of two versions in one store, the later one is higher. @publicApi */
export interface StoredRecord {
  readonly value: Uint8Array;
  readonly version: number;
}

/** Records with a limited lifetime, which are changed by compare-and-set only. @publicApi */
export interface Store {
  get(key: string): Promise<StoredRecord | undefined>;
  /**
   * Writes if the key's version is `expected`; if `expected` is undefined, if there is no record. If it rejects, it is
   * unknown whether it wrote: `get` tells.
   *
   * @returns the new version, or undefined if another writer was faster
   */
  put(key: string, value: Uint8Array, expected: number | undefined): Promise<number | undefined>;
  /** Removes the record if its version is `expected`. */
  remove(key: string, expected: number): Promise<void>;
  keys(): Promise<string[]>;
  /**
   * For stores whose records share one time to live: makes sure that it is not shorter than what this member asked for,
   * since another member may have asked for a shorter one.
   */
  uphold?(): Promise<void>;
}

/** What an engine is created for. @publicApi */
export interface EngineContext {
  /** Names that separate clusters: members that differ in one of them never get each other's messages. */
  readonly cluster: string;
  readonly environment: string;
  /** The connection's name in the broker's lists, such as `shop@web-1 slot 2`. */
  readonly client: string;
  /** The largest message that the messenger sends, in bytes, including headers. */
  readonly maxMessage: number;
}

/** The value of the option `messenger.engine`. @publicApi */
export interface EngineProvider {
  readonly name: string;
  /** @throws ClusterOptionsError if a package is missing, with the command that installs it */
  create(context: EngineContext): Promise<Engine>;
}
