import { NestApplicationContext } from '@nestjs/core';

interface Internals {
  callBeforeShutdownHook(signal?: string): Promise<void>;
  callShutdownHook(signal?: string): Promise<void>;
}

/**
 * Gives the shutdown hooks of every Nest application of this process the signal by which the process ends, as
 * `enableShutdownHooks()` does in one process. A microservice's `close()` takes no signal to pass on (Nest 11 and 12).
 *
 * @param signal asked when hooks are to run; undefined while no signal ends this process
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
