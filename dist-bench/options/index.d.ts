export * from './async-options.js';
export * from './cluster-options.interface.js';
export * from './resolve-options.js';
export * from './worker-count.js';
