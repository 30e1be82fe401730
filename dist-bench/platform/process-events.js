/** The one place where handlers of the process's own events are set. */
export const processEvents = {
    /** A signal; replaces its default action for as long as the subscription lives. */
    onSignal(signal, handler) {
        process.on(signal, handler);
        return () => void process.off(signal, handler);
    },
    onUncaughtException(handler) {
        process.on('uncaughtException', handler);
        return () => void process.off('uncaughtException', handler);
    },
    onUnhandledRejection(handler) {
        process.on('unhandledRejection', handler);
        return () => void process.off('unhandledRejection', handler);
    },
    /** A message from the parent over the IPC channel. */
    onMessage(handler) {
        process.on('message', handler);
        return () => void process.off('message', handler);
    },
    /** The IPC channel to the parent closed. */
    onDisconnect(handler) {
        process.on('disconnect', handler);
        return () => void process.off('disconnect', handler);
    },
    /** The process ends, for whatever reason; only synchronous work is possible. */
    onExit(handler) {
        process.on('exit', handler);
        return () => void process.off('exit', handler);
    },
};
//# sourceMappingURL=process-events.js.map