export { ClusterModule } from './cluster.module.js';
export { ClusterService } from './services/cluster.service.js';
export { DeadLetterService, type DeadLetter } from './services/dead-letter.service.js';
export { MessengerService, type CallOptions } from './services/messenger.service.js';
export { ReloadService } from './services/reload.service.js';
export { ConsumeOnce, type ConsumeOnceOptions } from './decorators/consume-once.decorator.js';
export { OnClusterEvent, type HandlerDecorator } from './decorators/on-cluster-event.decorator.js';
export { OnWorkerEvent, type WorkerEvent } from './decorators/on-worker-event.decorator.js';
export { RunOnLeader } from './decorators/run-on-leader.decorator.js';
// A star export: users can merge their events into `ClusterEvents` only this way.
export * from './events/cluster-events.js';
export { ClusterEventContext } from './events/cluster-event-context.js';
export type { ClusterEventRequest } from './handlers/event-context-id.js';
export type { ConsumeOptions, TaskEvent } from './messenger/consume.js';
export type { MapOutcome, MapValue } from './messenger/map.js';
export type { OnceRun, RunOnceOptions } from './messenger/run-once.js';
export type { ClusterRole } from './runtime/process-runtime.interface.js';
export type { ReloadProgress, ReloadReport } from './runtime/reload.interface.js';
export type { Address, Member, MemberLoad } from './bus/bus.interface.js';
export type { EngineProvider } from './bus/engine.interface.js';
export type {
  ClusterAsyncOptions,
  ClusterOptions,
  ClusterOptionsFactory,
  ForkOptions,
  ListenMode,
  MessengerOptions,
  RecycleOptions,
  ReloadOptions,
  RestartOptions,
  ShutdownOptions,
  StartupOptions,
  StickyOptions,
  WatchdogOptions,
} from './options/cluster-options.interface.js';
export {
  BackpressureError,
  ClusterDisabledError,
  ClusterError,
  ClusterOptionsError,
  ClusterRequestError,
  ClusterTimeoutError,
  EventContextError,
  InvalidArgumentError,
  MapError,
  MemberLostError,
  NoHandlerError,
  NotConnectedError,
  PayloadNotCloneableError,
  PayloadTooLargeError,
  ReloadError,
  RemoteError,
  type MapFailure,
} from './errors/errors.js';
