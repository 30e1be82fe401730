/**
 * What a broker has to offer so that the messenger spans hosts. An engine moves bytes between subjects, hands out
 * tasks and keeps small records; members, calls, deadlines, results, claims and the leader stand on it once for all
 * engines, in `distributed/`.
 *
 * Subjects, queues, store names, keys and ids are made of letters, digits, `-` and `_`. An engine keeps the names of
 * two clusters, or of two environments of one, apart.
 *
 * @publicApi
 */
export interface Engine {
  /** How logs and errors name it, such as `'NATS'`. */
  readonly name: string;
  /** Largest message the broker takes, in bytes; Infinity until that is known. */
  readonly maxMessage: number;
  /** Whether a message that is sent now has a way to the broker. */
  readonly isConnected: boolean;
  /**
   * Where the broker hands tasks to members that are gone without noticing: a task is to be extended at least each so many
   * ms, however long its lease is, or is handed out again. Whoever gets it waits for the rest of the lease where it had begun.
   */
  readonly longestSilence?: number;
  /** Why it is not connected just now, as far as that is known; nothing secret. Errors and the log quote it. */
  readonly trouble?: string | undefined;

  /**
   * Connects, and connects again for ever once that is lost. Resolves at the first contact, when all it needs of the
   * broker is there.
   *
   * @throws ClusterOptionsError where the broker refuses it for good: credentials, a feature that is switched off. Whoever
   *   does without the broker meanwhile calls again. Never for what may pass by itself, such as a quorum that is missing
   */
  connect(listener: EngineListener): Promise<void>;

  /**
   * To whoever subscribes to the subject at that moment, at most once; in order for each sender and receiver, over
   * all subjects. Does not wait.
   *
   * @throws Error where it is not connected
   */
  publish(subject: string, message: Uint8Array): void;

  /** Resolves when the broker has all that was published before, and every subscription made before is in force. */
  flush(): Promise<void>;

  /** Gives what is published to `subject`; it stays in force over lost connections. Returns what ends it. */
  subscribe(subject: string, receive: (message: Uint8Array) => void): () => void;

  /** Records of a kind, each kept for `ttl` ms after it was last written. One `ttl` to a name. */
  store(name: string, ttl: number): Store;

  /**
   * Puts a task into a queue; it outlives this process and a restart of the broker. Where it rejects, whether the
   * task is in the queue is unknown: the same call again is right.
   *
   * @returns false where a task with this id is in the queue already, or was put there within the last two minutes
   * @throws BackpressureError where the broker has no room for it; then it is surely not in the queue
   */
  enqueue(queue: string, id: string, message: Uint8Array): Promise<boolean>;

  /** Takes a task out of its queue, also while it is handed out: it is never handed out again. Nothing if it is not there. */
  withdraw(queue: string, id: string): Promise<void>;

  /**
   * Hands out tasks of a queue, each to one of those who work there; only as many as were granted. A task that is
   * neither acknowledged nor extended for `lease` ms is handed out again.
   */
  work(queue: string, lease: number, receive: (task: LeasedTask) => void): QueueWorker;

  /** Ends the connection after what was published has left. One that was handed in stays open. */
  close(): Promise<void>;
}

/** Hears of the connection; called by the engine, never throws. @publicApi */
export interface EngineListener {
  /** The connection is there, again or for the first time. */
  onConnected(): void;
  /** The connection is lost. What was sent last may be lost, too. */
  onDisconnected(reason: string): void;
  /** What an operator should know. */
  onWarning(message: string): void;
}

/** A member's hands in a queue. @publicApi */
export interface QueueWorker {
  /** So many tasks more may be handed to it. Grants outlive a lost connection. */
  grant(tasks: number): void;
  /** Takes no more, but what was on its way may still come; those it has it keeps. */
  stop(): void;
}

/** A task that was handed out. @publicApi */
export interface LeasedTask {
  readonly id: string;
  readonly message: Uint8Array;
  /** How often it was handed out, this time included. */
  readonly attempt: number;
  /** Lets the lease begin anew. At most once: a lease lasts longer than several of these. */
  extend(): void;
  /** It is done: never hand it out again. Resolves when the broker knows. */
  acknowledge(): Promise<void>;
  /** Back into the queue, for anybody. */
  release(): void;
}

/** A record and its version; of two versions in one store, the later is higher. @publicApi */
export interface StoredRecord {
  readonly value: Uint8Array;
  readonly version: number;
}

/** Records with a limited life, changed by compare-and-set only. @publicApi */
export interface Store {
  get(key: string): Promise<StoredRecord | undefined>;
  /**
   * Writes where the key's version is `expected`; undefined: where there is no record. Where it rejects, whether it
   * wrote is unknown: `get` tells.
   *
   * @returns the new version, or undefined where another one had been there
   */
  put(key: string, value: Uint8Array, expected: number | undefined): Promise<number | undefined>;
  /** Removes the record where its version is `expected`. */
  remove(key: string, expected: number): Promise<void>;
  keys(): Promise<string[]>;
  /**
   * Where all records of a store have one time to live: makes sure that it is not less than this member has asked for, since
   * another one may have asked for less.
   */
  uphold?(): Promise<void>;
}

/** What an engine is made for. @publicApi */
export interface EngineContext {
  /** Namespaces: two that differ in one of them never hear each other. */
  readonly cluster: string;
  readonly environment: string;
  /** How brokers may list the connection, such as `shop@web-1 slot 2`. */
  readonly client: string;
  /** What the messenger wants to send, in bytes, everything included. */
  readonly maxMessage: number;
}

/** What the option `messenger.engine` takes. @publicApi */
export interface EngineProvider {
  readonly name: string;
  /** @throws ClusterOptionsError for a missing package, with the command that installs it */
  create(context: EngineContext): Promise<Engine>;
}
