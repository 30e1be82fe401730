/** Takes back a subscription. */
export type Unsubscribe = () => void;
/** The one place where handlers of the process's own events are set. */
export declare const processEvents: {
    /** A signal; replaces its default action for as long as the subscription lives. */
    onSignal(signal: NodeJS.Signals, handler: (signal: NodeJS.Signals) => void): Unsubscribe;
    onUncaughtException(handler: (error: unknown) => void): Unsubscribe;
    onUnhandledRejection(handler: (reason: unknown) => void): Unsubscribe;
    /** A message from the parent over the IPC channel. */
    onMessage(handler: (message: unknown) => void): Unsubscribe;
    /** The IPC channel to the parent closed. */
    onDisconnect(handler: () => void): Unsubscribe;
    /** The process ends, for whatever reason; only synchronous work is possible. */
    onExit(handler: (code: number) => void): Unsubscribe;
};
