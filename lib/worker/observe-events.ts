import type { EventEmitter } from 'node:events';

/**
 * Calls `observe` for each event of `emitter` just before its listeners, without adding a listener. A listener would
 * change the behaviour of the emitter: Node answers differently if 'request' of an HTTP/2 server, 'upgrade' or
 * 'connect' has a listener, and libraries move the listeners that they find.
 */
export function observeEvents(
  emitter: EventEmitter,
  observe: (event: string | symbol, args: readonly unknown[]) => void,
): void {
  const own = Object.hasOwn(emitter, 'emit') ? emitter.emit : undefined;
  function emit(this: EventEmitter, event: string | symbol, ...args: unknown[]): boolean {
    observe(event, args);
    // It is looked up each time, because tracing tools replace the prototype's whenever they are switched on or off.
    const next = own ?? (Object.getPrototypeOf(emitter) as EventEmitter).emit;
    return next.call(this, event, ...args);
  }
  Object.defineProperty(emitter, 'emit', { value: emit, configurable: true, writable: true, enumerable: false });
}
