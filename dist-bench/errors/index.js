export * from './cluster.error.js';
export * from './errors.js';
//# sourceMappingURL=index.js.map