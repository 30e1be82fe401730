import { InvalidArgumentError } from '../errors/index.js';
export const WORKER_EVENTS = [
    'fork',
    'online',
    'listening',
    'disconnect',
    'exit',
    'message',
    'setup',
];
const WORKER_EVENT_METADATA = 'nestjs-cluster:worker-events';
/**
 * Calls the method with node:cluster's event of that name, with the same arguments: `(worker)`, for
 * 'listening' `(worker, address)`, for 'exit' `(worker, code, signal)`, for 'message'
 * `(worker, message, handle)`, for 'setup' `(settings)`. Works on providers of the `primary` module.
 * The package's own messages do not reach 'message'.
 *
 * @throws InvalidArgumentError for any other event name.
 * @publicApi
 */
export function OnWorkerEvent(event) {
    return (target, key, descriptor) => {
        if (!WORKER_EVENTS.includes(event)) {
            throw new InvalidArgumentError(`@OnWorkerEvent(${JSON.stringify(event)}) on ${target.constructor.name}.${String(key)}: expected one of ` +
                `${WORKER_EVENTS.join(', ')}.`);
        }
        const method = descriptor.value;
        Reflect.defineMetadata(WORKER_EVENT_METADATA, [...workerEventsOf(method), event], method);
    };
}
/** The worker events a method is decorated with. */
export function workerEventsOf(method) {
    return Reflect.getOwnMetadata(WORKER_EVENT_METADATA, method) ?? [];
}
//# sourceMappingURL=on-worker-event.decorator.js.map