export * from './cluster.error.js';
export * from './errors.js';
