export * from './reload.interface.js';
export * from './reload.service.js';
//# sourceMappingURL=index.js.map