import type { LoggerService, LogLevel, ModuleMetadata, Provider, Type, DynamicModule } from '@nestjs/common';
import type { SerializationType } from 'node:child_process';
import type { EngineProvider } from '../bus/engine.interface.js';

/** Settings of node:cluster, with their meaning and defaults there (`cluster.setupPrimary`). @publicApi */
export interface ForkOptions {
  /** File each worker runs. Default: the file the primary was started with. */
  readonly exec?: string;
  /** Arguments passed to each worker. Default: those of the primary. */
  readonly args?: readonly string[];
  /** Node.js options of each worker. Default: those of the primary. */
  readonly execArgv?: readonly string[];
  /** Working directory of each worker. Default: that of the primary. */
  readonly cwd?: string;
  /** Environment variables added to each worker's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Whether the workers' output is kept from the primary's. Default false. */
  readonly silent?: boolean;
  /** stdio of the workers; must hold one `'ipc'`. The bus adds an entry of its own at the end. */
  readonly stdio?: readonly (string | number | null | undefined)[];
  readonly uid?: number;
  readonly gid?: number;
  /** Inspector port of the workers: a number, or a function that returns the next one. */
  readonly inspectPort?: number | (() => number);
  /** How messages between primary and worker are serialised. Default `'json'`. */
  readonly serialization?: SerializationType;
  readonly windowsHide?: boolean;
}

/** @publicApi */
export interface StartupOptions {
  /** A worker that is not ready after this many ms failed to boot. Default 60 000. */
  readonly timeout?: number;
  /**
   * Keep the workers' compiled code for those that follow, in a temporary folder of this cluster's own; Node ≥ 22.8.
   * Later boots and reloads are a little shorter, the first start is longer by the time it takes to write it.
   * NODE_COMPILE_CACHE and NODE_DISABLE_COMPILE_CACHE, where set, are respected instead. Default false.
   */
  readonly compileCache?: boolean;
}

/** @publicApi */
export interface RestartOptions {
  /** First and shortest upper bound of the delay before a restart, in ms. Default 100. */
  readonly minDelay?: number;
  /** Longest upper bound of the delay before a restart, in ms. Default 30 000. */
  readonly maxDelay?: number;
  /** A worker that was ready this long (ms) begins again without delay when it crashes. Default 60 000. */
  readonly resetAfter?: number;
  /** More crashes than this within `window` open the crash-loop breaker. Default max(5, 2 × workers). */
  readonly maxCrashes?: number;
  /** The breaker's window in ms. Default 60 000. */
  readonly window?: number;
}

/** @publicApi */
export interface ShutdownOptions {
  /** Keep serving this many ms after the signal, so that load balancers notice. Default 0. */
  readonly delay?: number;
  /** A worker may take this many ms to finish what is in flight; then it gets SIGTERM. Default 30 000. */
  readonly timeout?: number;
  /** SIGKILL follows this many ms after that SIGTERM. Default 5 000. */
  readonly killAfter?: number;
}

/** @publicApi */
export interface ReloadOptions {
  /** How many slots are replaced at once; as many extra processes live meanwhile. Default 1. */
  readonly surge?: number;
  /** The first worker of the new build must stay healthy this many ms before another is replaced. Default 2 000. */
  readonly canaryTime?: number;
  /** When a later worker of the new build fails: `'keep'` those replaced, or `'rollback'` to the old ones. Default 'keep'. */
  readonly onFailure?: 'keep' | 'rollback';
  /** Signals of the primary that ask for a reload. Default `['SIGHUP', 'SIGUSR2']`. */
  readonly signals?: readonly NodeJS.Signals[];
}

/** @publicApi */
export interface WatchdogOptions {
  /** Time between two heartbeats of a worker, in ms. Default 1 000. */
  readonly interval?: number;
  /** Silence after which a worker gets no new work, in ms. Default 3 000. */
  readonly suspectAfter?: number;
  /** Silence after which a worker is killed and replaced, in ms. Default 30 000. */
  readonly killAfter?: number;
}

/** @publicApi */
export interface RecycleOptions {
  /** Replace a worker whose resident set grows over this many bytes. Default off. */
  readonly memory?: number;
  /** Replace a worker after this many requests. Default off. */
  readonly requests?: number;
  /** Replace a worker after this many ms. Default off. */
  readonly age?: number;
  /** The limits are spread by up to this share, so that workers do not leave together. Default 0.2. */
  readonly jitter?: number;
  /** No worker is recycled earlier than this many ms after it became ready. Default 60 000. */
  readonly minLifetime?: number;
}

/** @publicApi */
export interface MessengerOptions {
  /** Deadline of consume, map and send where the call names none, in ms. Default 30 000. */
  readonly timeout?: number;
  /** Largest encoded payload, in bytes. Default 1 048 576; 1 000 000 with an engine, where names must fit in, too. */
  readonly maxPayload?: number;
  /** Bytes that may wait for one receiver; with an engine, for the broker. Default 8 388 608. */
  readonly queueLimit?: number;
  /**
   * What carries messages between hosts, such as `nats({ servers })` of `nestjs-cluster/nats` or `redis({ url })` of
   * `nestjs-cluster/redis`. Default: the embedded engine, for one host. Not used standalone.
   */
  readonly engine?: EngineProvider;
  /** Names this cluster at the broker: clusters with other names never hear it. Letters, digits, `-`. Default 'default'. */
  readonly cluster?: string;
  /** As `cluster`, for the environments of one. Default: NODE_ENV, or 'development' where that is not set. */
  readonly environment?: string;
  /** Names this host among the others. Default: the machine's host name. */
  readonly host?: string;
  /**
   * With an engine: a worker that runs a task, or the function of `runOnce`, and gives no sign of life for so long
   * (ms) is taken for dead, and another one runs it. Longer than any synchronous work of a handler. Default 10 000.
   */
  readonly lease?: number;
}

/**
 * How a connection reaches a worker.
 *
 * - `'reuse-port'`: every worker accepts by itself, on a socket that the primary keeps for its slot. Linux, Node ≥ 22.12.
 * - `'round-robin'`: the primary accepts and hands off in turn.
 * - `'shared'`: the workers accept from one socket.
 * - `'sticky'`: the primary accepts and hands off by the client's address, for apps that keep state of a client.
 * - `'auto'`: `'reuse-port'` where it works, else `'round-robin'`.
 *
 * @publicApi
 */
export type ListenMode = 'auto' | 'reuse-port' | 'round-robin' | 'shared' | 'sticky';

/** For `listen: 'sticky'`. @publicApi */
export interface StickyOptions {
  /**
   * How many proxies of yours stand in front. 0: the peer of a connection is the client. Above: the client is
   * whom the outermost of them saw, by X-Forwarded-For of a connection's first request, which the primary then
   * reads (HTTP/1.1 without TLS only; else the peer counts). Default 0.
   */
  readonly proxies?: number;
}

/** @publicApi */
export interface ClusterOptions {
  /**
   * Number of workers. 0 or absent: WEB_CONCURRENCY where it is set, else the cores this process may
   * really use (affinity and cgroup CPU quota).
   */
  readonly workers?: number;
  /**
   * False: one process, no fork. Default: true, and only where this process can and should be a primary: the main
   * thread of a process that boots an application or microservice by its own main script. True means the same, but
   * forks in an environment of a test runner too. NESTJS_CLUSTER=on or off in the environment goes over it.
   */
  readonly enabled?: boolean;
  /**
   * Whether an application context (`NestFactory.createApplicationContext`) runs in every worker, as an application
   * does. Default false: scripts, commands and seeds run once, in the process that was started.
   */
  readonly contexts?: boolean;
  /** A module of yours that lives in the primary, with MessengerService, ReloadService and ClusterService injectable. */
  readonly primary?: Type<unknown> | DynamicModule;
  /**
   * Whether the app's global guards, pipes, interceptors and filters (`app.useGlobalGuards`, `APP_GUARD` and their like)
   * apply to cluster handlers too, as with the option of this name for hybrid applications. They see events of type
   * `'cluster'`, without request and response. Those bound to a handler or its class apply in any case. Default false.
   */
  readonly inheritAppConfig?: boolean;
  /**
   * What the primary logs with: a logger, the levels it is to log, `'json'` for Nest's own in JSON, or false for none.
   * Default: what main.ts gave `NestFactory.create` as `logger`; where that is Nest's own, the primary's lines are JSON
   * once a worker is seen to log JSON. A logger that writes synchronously to a pipe (pino's default) may block the
   * primary where nobody reads that pipe.
   */
  readonly logger?: LoggerService | readonly LogLevel[] | 'json' | false;
  /** How connections reach the workers. Default 'auto'. */
  readonly listen?: ListenMode;
  readonly sticky?: StickyOptions;
  readonly fork?: ForkOptions;
  readonly startup?: StartupOptions;
  readonly restart?: RestartOptions;
  readonly shutdown?: ShutdownOptions;
  readonly reload?: ReloadOptions;
  readonly watchdog?: WatchdogOptions;
  readonly recycle?: RecycleOptions;
  readonly messenger?: MessengerOptions;
  /**
   * Called in a worker with an uncaught exception. Return false to let the worker live on; anything else,
   * and without this option: the worker is replaced, finishes what is in flight and exits non-zero.
   */
  readonly onUncaughtException?: (error: unknown) => boolean | void;
  /**
   * The same for an unhandled rejection; gets the rejection's reason. Without it, messenger calls that nobody awaits and
   * that fail in an outage of the broker are logged and end nothing.
   */
  readonly onUnhandledRejection?: (reason: unknown) => boolean | void;
}

/** Options with every default filled in; `workers` is still 0 where the machine decides. */
export interface ResolvedClusterOptions {
  readonly workers: number;
  readonly enabled: boolean | undefined;
  readonly contexts: boolean;
  readonly primary: Type<unknown> | DynamicModule | undefined;
  readonly inheritAppConfig: boolean;
  /** Undefined: the app's. */
  readonly logger: LoggerService | readonly LogLevel[] | 'json' | false | undefined;
  readonly listen: ListenMode;
  readonly sticky: Required<StickyOptions>;
  readonly fork: ForkOptions;
  readonly startup: Required<StartupOptions>;
  /** `maxCrashes` undefined: max(5, 2 × workers). */
  readonly restart: Required<Omit<RestartOptions, 'maxCrashes'>> & { readonly maxCrashes: number | undefined };
  readonly shutdown: Required<ShutdownOptions>;
  readonly reload: Required<ReloadOptions>;
  readonly watchdog: Required<WatchdogOptions>;
  /** `memory`, `requests`, `age` undefined: off. */
  readonly recycle: Pick<RecycleOptions, 'memory' | 'requests' | 'age'> &
    Required<Pick<RecycleOptions, 'jitter' | 'minLifetime'>>;
  /** `engine` undefined: the embedded one. */
  readonly messenger: Required<Omit<MessengerOptions, 'engine'>> & Pick<MessengerOptions, 'engine'>;
  readonly onUncaughtException: ((error: unknown) => boolean | void) | undefined;
  readonly onUnhandledRejection: ((reason: unknown) => boolean | void) | undefined;
}

/** Implement this for `forRootAsync({ useClass | useExisting })`. @publicApi */
export interface ClusterOptionsFactory {
  /** Returns the options, or the number of workers. */
  createClusterOptions(): ClusterOptions | number | Promise<ClusterOptions | number>;
}

/** @publicApi */
export interface ClusterAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly useFactory?: (...args: any[]) => ClusterOptions | number | Promise<ClusterOptions | number>;
  readonly inject?: any[];
  readonly useClass?: Type<ClusterOptionsFactory>;
  readonly useExisting?: Type<ClusterOptionsFactory>;
  /** Further providers the factory needs. */
  readonly extraProviders?: Provider[];
}
