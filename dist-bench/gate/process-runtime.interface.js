export {};
//# sourceMappingURL=process-runtime.interface.js.map