import { NestApplicationContext } from '@nestjs/core';

interface Internals {
  callBeforeShutdownHook(signal?: string): Promise<void>;
  callShutdownHook(signal?: string): Promise<void>;
}

/**
 * Passes the signal that ends this process to the shutdown hooks of all its Nest applications, as
 * `enableShutdownHooks()` does in a single process. A microservice's `close()` has no parameter for the signal (Nest 11
 * and 12).
 *
 * @param signal called before hooks run; returns undefined if no signal ends this process
 */
export function giveShutdownHooks(signal: () => string | undefined): void {
  const prototype = NestApplicationContext.prototype as unknown as Internals;
  for (const name of ['callBeforeShutdownHook', 'callShutdownHook'] as const) {
    const callHooks = prototype[name];
    prototype[name] = function (this: Internals, given?: string): Promise<void> {
      return callHooks.call(this, given ?? signal());
    };
  }
}
