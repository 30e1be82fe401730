export * from './consume-once.decorator.js';
export * from './on-cluster-event.decorator.js';
export * from './on-worker-event.decorator.js';
export * from './run-on-leader.decorator.js';
