import { isLeading } from './leader-flag.js';

/**
 * The method's body runs only in the worker that leads at the time of the call; elsewhere the call
 * returns undefined at once. Goes with any other decorator, such as `@Cron()`, above or below it.
 * Standalone the one process leads; the primary never does.
 *
 * At most one worker leads at a time, by a lease it renews with its heartbeat. A body that outlives the
 * lease (`watchdog.suspectAfter`) in a frozen process is not interrupted.
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
    // Decorators below have left their metadata on the method itself.
    for (const key of Reflect.getOwnMetadataKeys(method) as unknown[]) {
      Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), guarded);
    }
    (descriptor as PropertyDescriptor).value = guarded;
  };
}
