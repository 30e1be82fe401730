export { ClusterEventContext } from './cluster-event-context.js';
export * from './cluster-events.js';
export * from './dispatcher.js';
export * from './messenger.service.js';
//# sourceMappingURL=index.js.map