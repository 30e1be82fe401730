/** Takes back a subscription. */
export type Unsubscribe = () => void;

/** The one place where handlers of the process's own events are set. */
export const processEvents = {
  /** A signal; replaces its default action for as long as the subscription lives. */
  onSignal(signal: NodeJS.Signals, handler: (signal: NodeJS.Signals) => void): Unsubscribe {
    process.on(signal, handler);
    return () => void process.off(signal, handler);
  },

  onUncaughtException(handler: (error: unknown) => void): Unsubscribe {
    process.on('uncaughtException', handler);
    return () => void process.off('uncaughtException', handler);
  },

  onUnhandledRejection(handler: (reason: unknown) => void): Unsubscribe {
    process.on('unhandledRejection', handler);
    return () => void process.off('unhandledRejection', handler);
  },

  /** A message from the parent over the IPC channel, as any program may send one. */
  onMessage(handler: (message: unknown) => void): Unsubscribe {
    process.on('message', handler);
    return () => void process.off('message', handler);
  },

  /** A message from the parent that Node keeps from 'message' listeners, and the socket that came with it. */
  onInternalMessage(handler: (message: unknown, socket: unknown) => void): Unsubscribe {
    const emitter: NodeJS.EventEmitter = process;
    emitter.on('internalMessage', handler);
    return () => void emitter.off('internalMessage', handler);
  },

  /** The IPC channel to the parent closed. */
  onDisconnect(handler: () => void): Unsubscribe {
    process.on('disconnect', handler);
    return () => void process.off('disconnect', handler);
  },

  /** The process ends, for whatever reason; only synchronous work is possible. */
  onExit(handler: (code: number) => void): Unsubscribe {
    process.on('exit', handler);
    return () => void process.off('exit', handler);
  },
};
