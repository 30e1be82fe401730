/** Takes back a subscription. */
export type Unsubscribe = () => void;

/** A listener of a process event, as the process keeps it; `listener` is what was given to `once`. */
export type ProcessListener = ((...args: any[]) => unknown) & { readonly listener?: (...args: any[]) => unknown };

/** Our own handlers of signals: all others are the app's. */
const ownHandlers = new WeakSet<object>();

/** The one place where handlers of the process's own events are set. */
export const processEvents = {
  /** A signal; replaces its default action for as long as the subscription lives. */
  onSignal(signal: NodeJS.Signals, handler: (signal: NodeJS.Signals) => void): Unsubscribe {
    ownHandlers.add(handler);
    process.on(signal, handler);
    return () => void process.off(signal, handler);
  },

  /** The app's listeners of a signal, those of its libraries too, in their order. */
  appListeners(signal: NodeJS.Signals): ProcessListener[] {
    return process.rawListeners(signal).filter((listener) => !ownHandlers.has(listener)) as ProcessListener[];
  },

  /** Puts `listeners` in the place of the app's. */
  replaceAppListeners(signal: NodeJS.Signals, listeners: readonly ProcessListener[]): void {
    // From the last on: `off` takes the last that matches, and a listener may be there several times.
    for (const listener of processEvents.appListeners(signal).toReversed()) process.off(signal, listener);
    for (const listener of listeners) process.on(signal, listener);
  },

  removeListener(signal: NodeJS.Signals, listener: ProcessListener): void {
    process.off(signal, listener);
  },

  /** Somebody adds a listener of any event; the process has it when the running code has returned. */
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

  /** The event loop has nothing left to do: the process ends now, unless the handler begins something. */
  onNothingLeft(handler: () => void): Unsubscribe {
    process.on('beforeExit', handler);
    return () => void process.off('beforeExit', handler);
  },

  /** The process ends, for whatever reason; only synchronous work is possible. */
  onExit(handler: (code: number) => void): Unsubscribe {
    process.on('exit', handler);
    return () => void process.off('exit', handler);
  },
};
