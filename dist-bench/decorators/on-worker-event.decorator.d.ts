/** The events of node:cluster in the primary. @publicApi */
export type WorkerEvent = 'fork' | 'online' | 'listening' | 'disconnect' | 'exit' | 'message' | 'setup';
export declare const WORKER_EVENTS: readonly WorkerEvent[];
/**
 * Calls the method with node:cluster's event of that name, with the same arguments: `(worker)`, for
 * 'listening' `(worker, address)`, for 'exit' `(worker, code, signal)`, for 'message'
 * `(worker, message, handle)`, for 'setup' `(settings)`. Works on providers of the `primary` module.
 * The package's own messages do not reach 'message'.
 *
 * @throws InvalidArgumentError for any other event name.
 * @publicApi
 */
export declare function OnWorkerEvent(event: WorkerEvent): MethodDecorator;
/** The worker events a method is decorated with. */
export declare function workerEventsOf(method: object): readonly WorkerEvent[];
