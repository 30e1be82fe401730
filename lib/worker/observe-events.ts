import type { EventEmitter } from 'node:events';

/**
 * Tells `observe` of each event of `emitter` just before its listeners hear of it, without being one of them. A
 * listener would change what it watches: Node answers differently where somebody listens to 'request' of an
 * HTTP/2 server, to 'upgrade' or to 'connect', and libraries move the listeners that they find.
 */
export function observeEvents(
  emitter: EventEmitter,
  observe: (event: string | symbol, args: readonly unknown[]) => void,
): void {
  const own = Object.hasOwn(emitter, 'emit') ? emitter.emit : undefined;
  function emit(this: EventEmitter, event: string | symbol, ...args: unknown[]): boolean {
    observe(event, args);
    // Looked up each time: tracing tools replace the prototype's whenever they are switched on or off.
    const next = own ?? (Object.getPrototypeOf(emitter) as EventEmitter).emit;
    return next.call(this, event, ...args);
  }
  Object.defineProperty(emitter, 'emit', { value: emit, configurable: true, writable: true, enumerable: false });
}
