export { ClusterEventContext } from '../events/cluster-event-context.js';
export * from '../events/cluster-events.js';
export type { ConsumeOptions, TaskEvent } from './consume.js';
export { Connection } from './bus-connection.js';
export * from './dispatcher.js';
export type { MapOutcome, MapValue } from './map.js';
export * from '../services/messenger.service.js';
export type { OnceRun, RunOnceOptions } from './run-once.js';
