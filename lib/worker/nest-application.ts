import { NestApplication, NestApplicationContext } from '@nestjs/core';

/** The members that the package uses of a Nest application of any kind (HTTP, microservice, plain context). */
export interface HostApplication {
  get<T>(token: unknown, options: { strict: false }): T;
  close(signal?: string): Promise<void>;
  /** Plain contexts do not have it. */
  listen?(...args: unknown[]): Promise<unknown>;
  /** Only HTTP applications have it. */
  getHttpServer?(): unknown;
}

export type CloseApplication = (signal?: string) => Promise<void>;

interface Internals {
  callBootstrapHook(): Promise<void>;
  listenToShutdownSignals(...args: unknown[]): void;
}

interface HttpInternals {
  init(...args: unknown[]): Promise<unknown>;
  listen(...args: unknown[]): Promise<unknown>;
  connectMicroservice(...args: unknown[]): unknown;
}

/** Is informed about the Nest applications of this process. */
export interface ApplicationWatcher {
  /** The application has run its last bootstrap hook. `close` closes it without asking `closing`. */
  bootstrapped(app: HostApplication, close: CloseApplication): void;
  /**
   * An HTTP application has connected a microservice. `adopt` makes the application count as bootstrapped, if it runs
   * without its bootstrap hooks.
   */
  connected(app: HostApplication, adopt: () => void): void;
  /** The code of an HTTP application has asked it to boot or to listen; `listening` settles as that call does. */
  askedToListen(listening: Promise<unknown>): void;
  /** The application's own code calls `app.close(signal)`; resolves when it is closed. */
  closing(app: HostApplication, signal: string | undefined): Promise<void>;
}

/**
 * Replaces internal methods of Nest's applications: Nest does not report when the last bootstrap hook of an application
 * is done, does not give the application to its modules, and with `enableShutdownHooks()` it would close a worker at a
 * signal that is meant for the primary. All three kinds of application inherit these methods (Nest 11 and 12).
 */
export function watchApplications(watcher: ApplicationWatcher): void {
  const context = NestApplicationContext.prototype as unknown as Internals;
  const { callBootstrapHook } = context;
  const adopted = new WeakSet<HostApplication>();
  const adopt = (app: HostApplication): void => {
    if (adopted.has(app)) return;
    adopted.add(app);
    // Each kind of application closes in its own way, so the method of this application is replaced.
    const close = app.close.bind(app);
    app.close = (signal) => watcher.closing(app, signal);
    watcher.bootstrapped(app, close);
  };
  context.callBootstrapHook = async function (this: HostApplication & Internals): Promise<void> {
    await callBootstrapHook.call(this);
    adopt(this);
  };
  // The shutdown hooks still run, because the drain ends with app.close().
  context.listenToShutdownSignals = () => {};

  const http = NestApplication.prototype as unknown as HttpInternals;
  for (const name of ['init', 'listen'] as const) {
    const begin = http[name];
    http[name] = function (this: HostApplication, ...args: unknown[]): Promise<unknown> {
      const begun = begin.apply(this, args);
      watcher.askedToListen(begun);
      return begun;
    };
  }
  const { connectMicroservice } = http;
  http.connectMicroservice = function (this: HostApplication, ...args: unknown[]): unknown {
    const microservice = connectMicroservice.apply(this, args);
    watcher.connected(this, () => adopt(this));
    return microservice;
  };
}
