/** Removes the handler again. */
export type Unsubscribe = () => void;

/** A listener of a process event, as the process stores it; `listener` is the function that was passed to `once`. */
export type ProcessListener = ((...args: any[]) => unknown) & { readonly listener?: (...args: any[]) => unknown };

/** The package's own signal handlers: all others belong to the app. */
const ownHandlers = new WeakSet<object>();

/** The only object that sets handlers of the process's own events. */
export const processEvents = {
  /** Handles a signal; replaces its default action until the handler is removed. */
  onSignal(signal: NodeJS.Signals, handler: (signal: NodeJS.Signals) => void): Unsubscribe {
    ownHandlers.add(handler);
    process.on(signal, handler);
    return () => void process.off(signal, handler);
  },

  /** The app's listeners of a signal, including those of its libraries, in their order. */
  appListeners(signal: NodeJS.Signals): ProcessListener[] {
    return process.rawListeners(signal).filter((listener) => !ownHandlers.has(listener)) as ProcessListener[];
  },

  /** Replaces the app's listeners by `listeners`. */
  replaceAppListeners(signal: NodeJS.Signals, listeners: readonly ProcessListener[]): void {
    // Backwards: `off` removes the last listener that matches, and the same listener may be registered several times.
    for (const listener of processEvents.appListeners(signal).toReversed()) process.off(signal, listener);
    for (const listener of listeners) process.on(signal, listener);
  },

  removeListener(signal: NodeJS.Signals, listener: ProcessListener): void {
    process.off(signal, listener);
  },

  /** Calls `handler` when a listener of any event is added; the process has it once the running code has returned. */
  onListenerAdded(handler: (event: string | symbol) => void): Unsubscribe {
    process.on('newListener', handler);
    return () => void process.off('newListener', handler);
  },

  onUncaughtException(handler: (error: unknown) => void): Unsubscribe {
    process.on('uncaughtException', handler);
    return () => void process.off('uncaughtException', handler);
  },

  onUnhandledRejection(handler: (reason: unknown) => void): Unsubscribe {
    process.on('unhandledRejection', handler);
    return () => void process.off('unhandledRejection', handler);
  },

  /** Handles a message from the parent over the IPC channel, as any program may send it. */
  onMessage(handler: (message: unknown) => void): Unsubscribe {
    process.on('message', handler);
    return () => void process.off('message', handler);
  },

  /** Handles a message from the parent that Node hides from 'message' listeners, and the socket that came with it. */
  onInternalMessage(handler: (message: unknown, socket: unknown) => void): Unsubscribe {
    const emitter: NodeJS.EventEmitter = process;
    emitter.on('internalMessage', handler);
    return () => void emitter.off('internalMessage', handler);
  },

  /** Called when the IPC channel to the parent has closed. */
  onDisconnect(handler: () => void): Unsubscribe {
    process.on('disconnect', handler);
    return () => void process.off('disconnect', handler);
  },

  /** Called when the event loop has nothing left to do: the process ends now, unless the handler starts something. */
  onNothingLeft(handler: () => void): Unsubscribe {
    process.on('beforeExit', handler);
    return () => void process.off('beforeExit', handler);
  },

  /** Called when the process ends for any reason; only synchronous work is possible. */
  onExit(handler: (code: number) => void): Unsubscribe {
    process.on('exit', handler);
    return () => void process.off('exit', handler);
  },
};
