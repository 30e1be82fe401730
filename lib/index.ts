export { ClusterModule } from './cluster.module.js';
export { ClusterService } from './services/cluster.service.js';
export { ReloadService, type ReloadProgress, type ReloadReport } from './reload/index.js';
// A star, not a name: only so can users merge their events into `ClusterEvents`.
export * from './events/cluster-events.js';
export {
  MessengerService,
  ClusterEventContext,
  type CallOptions,
  type ConsumeOptions,
  type MapOutcome,
  type MapValue,
  type OnceRun,
  type RunOnceOptions,
} from './messenger/index.js';
export type { ClusterEventRequest } from './handlers/index.js';
export * from './decorators/index.js';
export * from './errors/index.js';
export type { ClusterRole } from './runtime/process-runtime.interface.js';
export type { Address, Member, MemberLoad } from './bus/bus.interface.js';
export type { EngineProvider } from './bus/engine.interface.js';
export { type DeadLetter, DeadLetterService } from './services/dead-letter.service.js';
export type * from './options/cluster-options.interface.js';
