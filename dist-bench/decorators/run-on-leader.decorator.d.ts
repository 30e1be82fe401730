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
export declare function RunOnLeader(): MethodDecorator;
