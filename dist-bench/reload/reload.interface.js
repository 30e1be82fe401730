export {};
//# sourceMappingURL=reload.interface.js.map