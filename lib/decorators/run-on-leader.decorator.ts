import { isLeading } from './leader-flag.js';

/**
 * The method's body runs only in the worker that leads at the time of the call; in other processes the call
 * returns undefined at once. Combines with any other decorator, such as `@Cron()`, above or below it.
 * A standalone process always leads; the primary never does.
 *
 * At most one worker leads at a time, by a lease that it renews with its heartbeat. The body is not interrupted if
 * its process freezes for longer than the lease (`watchdog.suspectAfter`) and then goes on.
 *
 * @publicApi
 */
export function RunOnLeader(): MethodDecorator {
  return (_target, _key, descriptor) => {
    const method = descriptor.value as unknown as (this: unknown, ...args: unknown[]) => unknown;
    const guarded = function (this: unknown, ...args: unknown[]): unknown {
      return isLeading() ? method.apply(this, args) : undefined;
    };
    Object.defineProperty(guarded, 'name', { value: method.name });
    // The decorators below this one have left their metadata on the method itself.
    for (const key of Reflect.getOwnMetadataKeys(method) as unknown[]) {
      Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), guarded);
    }
    (descriptor as PropertyDescriptor).value = guarded;
  };
}
