export { ClusterEventContext } from './cluster-event-context.js';
export * from './cluster-events.js';
export type { ConsumeOptions, TaskEvent } from './consume.js';
export { Connection } from './connection.js';
export * from './dispatcher.js';
export type { MapOutcome, MapValue } from './map.js';
export * from './messenger.service.js';
export type { OnceRun, RunOnceOptions } from './run-once.js';
