export {};
//# sourceMappingURL=cluster-options.interface.js.map