export {};
//# sourceMappingURL=supervisor.types.js.map