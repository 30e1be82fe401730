export { ClusterModule } from './cluster.module.js';
export { ClusterService } from './cluster/cluster.service.js';
export { ReloadService } from './reload/index.js';
// A star, not a name: only so can users merge their events into `ClusterEvents`.
export * from './messenger/cluster-events.js';
export { MessengerService, ClusterEventContext, } from './messenger/index.js';
export * from './decorators/index.js';
export * from './errors/index.js';
//# sourceMappingURL=index.js.map