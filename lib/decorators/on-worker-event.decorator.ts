import { InvalidArgumentError } from '../errors/errors.js';

/** The events of node:cluster in the primary. @publicApi */
export type WorkerEvent = 'fork' | 'online' | 'listening' | 'disconnect' | 'exit' | 'message' | 'setup';

export const WORKER_EVENTS: readonly WorkerEvent[] = [
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
export function OnWorkerEvent(event: WorkerEvent): MethodDecorator {
  return (target, key, descriptor) => {
    if (!WORKER_EVENTS.includes(event)) {
      throw new InvalidArgumentError(
        `@OnWorkerEvent(${JSON.stringify(event)}) on ${target.constructor.name}.${String(key)}: expected one of ` +
          `${WORKER_EVENTS.join(', ')}.`,
      );
    }
    const method = descriptor.value as object;
    Reflect.defineMetadata(WORKER_EVENT_METADATA, [...workerEventsOf(method), event], method);
  };
}

/** The worker events a method is decorated with. */
export function workerEventsOf(method: object): readonly WorkerEvent[] {
  return (Reflect.getOwnMetadata(WORKER_EVENT_METADATA, method) as WorkerEvent[] | undefined) ?? [];
}
