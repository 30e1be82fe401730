export * from './handler.interface.js';
export * from './handler-invoker.js';
export * from './handler-metadata.accessor.js';
export * from './handler-registry.js';
export * from './handler-scope.js';
export * from './handlers.explorer.js';
