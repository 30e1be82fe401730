import type { LoggerService, LogLevel, ModuleMetadata, Provider, Type, DynamicModule } from '@nestjs/common';
import type { SerializationType } from 'node:child_process';
import type { EngineProvider } from '../bus/engine.interface.js';

/** Settings of node:cluster; their meaning and defaults are those of `cluster.setupPrimary`. @publicApi */
export interface ForkOptions {
  /** The file that each worker runs. Default: the file the primary was started with. */
  readonly exec?: string;
  /** Arguments passed to each worker. Default: those of the primary. */
  readonly args?: readonly string[];
  /** Node.js options of each worker. Default: those of the primary. */
  readonly execArgv?: readonly string[];
  /** Working directory of each worker. Default: that of the primary. */
  readonly cwd?: string;
  /** Environment variables added to each worker's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Whether the workers' output is kept out of the primary's output. Default: `false`. */
  readonly silent?: boolean;
  /** stdio of the workers; must contain exactly one `'ipc'`. The bus appends an entry of its own. */
  readonly stdio?: readonly (string | number | null | undefined)[];
  /** User id that each worker runs as. Default: that of the primary. */
  readonly uid?: number;
  /** Group id that each worker runs as. Default: that of the primary. */
  readonly gid?: number;
  /** Inspector port of the workers: a number, or a function that returns the next one. */
  readonly inspectPort?: number | (() => number);
  /** How messages between primary and worker are serialised. Default: `'json'`. */
  readonly serialization?: SerializationType;
  /** Whether the console windows of the workers are hidden on Windows. Default: `false`. */
  readonly windowsHide?: boolean;
}

/** How a worker starts. @publicApi */
export interface StartupOptions {
  /** A worker that is not ready after this many ms has failed to boot. Default 60 000. */
  readonly timeout?: number;
  /**
   * Caches the workers' compiled code for later workers, in a temporary folder of this cluster; Node ≥ 22.8.
   * Later boots and reloads become a little faster; the first start takes longer, because it writes the cache.
   * NODE_COMPILE_CACHE and NODE_DISABLE_COMPILE_CACHE take precedence if they are set. Default false.
   */
  readonly compileCache?: boolean;
}

/** When a crashed worker is replaced, and when the crash-loop breaker opens. @publicApi */
export interface RestartOptions {
  /** Upper bound of the delay before the first restart, in ms; it doubles with each crash. Default 100. */
  readonly minDelay?: number;
  /** The largest upper bound of the delay before a restart, in ms. At least `minDelay`. Default 30 000. */
  readonly maxDelay?: number;
  /** If a worker crashes after it was ready for this many ms, its slot restarts without delay. Default 60 000. */
  readonly resetAfter?: number;
  /** More crashes than this within `window` open the crash-loop breaker. Default `max(5, 2 × workers)`. */
  readonly maxCrashes?: number;
  /** The breaker's window in ms. Default 60 000. */
  readonly window?: number;
}

/** How long a leaving worker may take. @publicApi */
export interface ShutdownOptions {
  /** How long to keep serving after the signal, so that load balancers notice, in ms. Default 0. */
  readonly delay?: number;
  /** How long a worker may take to finish its requests before it gets SIGTERM, in ms. Default 30 000. */
  readonly timeout?: number;
  /** How long after that SIGTERM the worker gets SIGKILL, in ms. Default 5 000. */
  readonly killAfter?: number;
}

/** How a rolling reload replaces the workers. @publicApi */
export interface ReloadOptions {
  /** How many slots are replaced at once; as many extra processes run meanwhile. Default 1. */
  readonly surge?: number;
  /** How long the first worker of the new build must stay healthy before others are replaced, in ms. Default 2 000. */
  readonly canaryTime?: number;
  /**
   * If a later new worker fails: `'keep'` the replaced ones, or `'rollback'` to the old build. For `'rollback'` all old
   * workers stay until all new ones are ready, so 2 × `workers` processes run meanwhile. Default 'keep'.
   */
  readonly onFailure?: 'keep' | 'rollback';
  /** Signals to the primary that request a reload. Default `['SIGHUP', 'SIGUSR2']`. */
  readonly signals?: readonly NodeJS.Signals[];
}

/** When a worker that blocks its event loop counts as unresponsive. @publicApi */
export interface WatchdogOptions {
  /** Time between two heartbeats of a worker, in ms. Default 1 000. */
  readonly interval?: number;
  /** A worker without a heartbeat for this many ms gets no new work. More than `interval`. Default 3 000. */
  readonly suspectAfter?: number;
  /** A worker without a heartbeat for this many ms is killed and replaced. More than `suspectAfter`. Default 30 000. */
  readonly killAfter?: number;
}

/**
 * When a healthy worker is replaced because of its memory, its requests or its age. One worker is recycled at a time, and
 * its replacement is ready first.
 *
 * @publicApi
 */
export interface RecycleOptions {
  /** Replace a worker whose resident set grows beyond this many bytes. Default off. */
  readonly memory?: number;
  /** Replace a worker after this many HTTP requests. Default off. */
  readonly requests?: number;
  /** Replace a worker after this many ms. Default off. */
  readonly age?: number;
  /** Each worker's limits are lower by a random share up to this, so that they do not leave together. Default 0.2. */
  readonly jitter?: number;
  /** A worker is never recycled earlier than this many ms after it became ready. Default 60 000. */
  readonly minLifetime?: number;
}

/** Limits of the messenger, and what carries its messages between hosts. @publicApi */
export interface MessengerOptions {
  /** Timeout of consume, map and send if the call sets none, in ms. Default 30 000. */
  readonly timeout?: number;
  /** Largest encoded payload, in bytes. Default 1 048 576; with an engine 1 000 000, to leave room for names. */
  readonly maxPayload?: number;
  /** How many bytes may wait for one receiver; with an engine, the broker. At least `maxPayload`. Default 8 388 608. */
  readonly queueLimit?: number;
  /**
   * The engine that carries messages between hosts, such as `nats({ servers })` of `nestjs-cluster/nats` or
   * `redis({ url })` of `nestjs-cluster/redis`. Default: the embedded engine, for one host. Not used standalone.
   */
  readonly engine?: EngineProvider;
  /** Name of this cluster at the broker; clusters with other names never get its messages. Default 'default'. */
  readonly cluster?: string;
  /** Separates the environments of one cluster name. Default: `NODE_ENV`, or `'development'` if that is not set. */
  readonly environment?: string;
  /** Name of this host among the others. Default: the machine's host name. */
  readonly host?: string;
  /**
   * With an engine: a worker that runs a task or the function of `runOnce` and sends no sign of life for this many ms
   * is considered dead, and another one runs it. Must be longer than any synchronous work of a handler.
   * Default 10 000.
   */
  readonly lease?: number;
}

/**
 * How a connection reaches a worker.
 *
 * - `'reuse-port'`: every worker accepts on its own socket, which the primary keeps for its slot. Linux, Node ≥ 22.12.
 * - `'round-robin'`: the primary accepts, and hands connections to the workers in turn.
 * - `'shared'`: the workers accept from one socket.
 * - `'sticky'`: the primary accepts, and picks the worker by the client's address, for apps that keep client state.
 * - `'auto'`: `'reuse-port'` where it works, otherwise `'round-robin'`.
 *
 * @publicApi
 */
export type ListenMode = 'auto' | 'reuse-port' | 'round-robin' | 'shared' | 'sticky';

/** Options for `listen: 'sticky'`. @publicApi */
export interface StickyOptions {
  /**
   * How many of your own proxies stand in front of the app. 0: the peer of a connection is the client. More: the
   * client is the address that the outermost proxy saw, according to X-Forwarded-For in the first request of a
   * connection. The primary then reads that request (HTTP/1.1 without TLS only; otherwise the peer counts as the
   * client). Default 0.
   */
  readonly proxies?: number;
}

/** @publicApi */
export interface ClusterOptions {
  /**
   * Number of workers. 0 or absent: WEB_CONCURRENCY if it is set, otherwise the number of cores this process can
   * really use (by affinity and cgroup CPU quota).
   */
  readonly workers?: number;
  /**
   * Whether to fork workers. False: one process, no fork. Default: true, but only where this process can and should be
   * a primary: in the main thread of a process that boots an application or microservice by its own main script. True
   * means the same, but also forks under a test runner. NESTJS_CLUSTER=on or off in the environment overrides this option.
   */
  readonly enabled?: boolean;
  /**
   * Whether an application context (`NestFactory.createApplicationContext`) runs in every worker, like an application.
   * Default false: scripts, commands and seeds run once, in the process that was started.
   */
  readonly contexts?: boolean;
  /** A module of yours that runs in the primary; it can inject MessengerService, ReloadService and ClusterService. */
  readonly primary?: Type<unknown> | DynamicModule;
  /**
   * Whether the app's global guards, pipes, interceptors and filters (`app.useGlobalGuards`, `APP_GUARD` and the like)
   * also apply to cluster handlers, like the option of this name for hybrid applications. They see events of type
   * `'cluster'`, without request and response. Those bound to a handler or its class always apply. Default false.
   */
  readonly inheritAppConfig?: boolean;
  /**
   * What the primary logs with: a logger, a list of levels, `'json'` for Nest's own logger in JSON, or false for no
   * logs. Default: the `logger` that main.ts passed to `NestFactory.create`. If that is Nest's own logger, the primary
   * switches to JSON once a worker logs JSON. A logger that writes synchronously to a pipe (pino's default) may block
   * the primary while nobody reads that pipe.
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
   * Called in a worker with an uncaught exception. Return false to let the worker live on. With any other return value,
   * and without this option, the worker is replaced: it finishes its running requests and exits non-zero.
   */
  readonly onUncaughtException?: (error: unknown) => boolean | void;
  /**
   * The same for an unhandled rejection, called with its reason. Without this option, a messenger call that nobody
   * awaits and that fails in an outage of the broker is only logged: the worker lives on.
   */
  readonly onUnhandledRejection?: (reason: unknown) => boolean | void;
}

/** The options with all defaults filled in; `workers` is still 0 if the machine decides. */
export interface ResolvedClusterOptions {
  readonly workers: number;
  readonly enabled: boolean | undefined;
  readonly contexts: boolean;
  readonly primary: Type<unknown> | DynamicModule | undefined;
  readonly inheritAppConfig: boolean;
  /** Undefined: the app's own logger. */
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
  /** `engine` undefined: the embedded engine. */
  readonly messenger: Required<Omit<MessengerOptions, 'engine'>> & Pick<MessengerOptions, 'engine'>;
  readonly onUncaughtException: ((error: unknown) => boolean | void) | undefined;
  readonly onUnhandledRejection: ((reason: unknown) => boolean | void) | undefined;
}

/** The interface of a class for `forRootAsync({ useClass | useExisting })`. @publicApi */
export interface ClusterOptionsFactory {
  /** Returns the options, or only the number of workers. */
  createClusterOptions(): ClusterOptions | number | Promise<ClusterOptions | number>;
}

/** @publicApi */
export interface ClusterAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly useFactory?: (...args: any[]) => ClusterOptions | number | Promise<ClusterOptions | number>;
  readonly inject?: any[];
  readonly useClass?: Type<ClusterOptionsFactory>;
  readonly useExisting?: Type<ClusterOptionsFactory>;
  /** Additional providers that the factory needs. */
  readonly extraProviders?: Provider[];
}
