export {};
//# sourceMappingURL=cluster-events.js.map