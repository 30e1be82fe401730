import { InvalidArgumentError } from '../errors/errors.js';

/** The events that node:cluster emits in the primary. @publicApi */
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
 * Calls the method when node:cluster emits this event, with the same arguments: `(worker)`; for
 * 'listening' `(worker, address)`; for 'exit' `(worker, code, signal)`; for 'message'
 * `(worker, message, handle)`; for 'setup' `(settings)`. Works on providers of the `primary` module.
 * 'message' is not called for this package's own messages.
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

/** The worker events of the decorators on a method. */
export function workerEventsOf(method: object): readonly WorkerEvent[] {
  return (Reflect.getOwnMetadata(WORKER_EVENT_METADATA, method) as WorkerEvent[] | undefined) ?? [];
}
