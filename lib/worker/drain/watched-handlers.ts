import { AsyncLocalStorage } from 'node:async_hooks';
import { isObservable, Observable } from 'rxjs';
import type { Flight, Flights } from './flights.js';

type Handler = (...args: unknown[]) => unknown;

/** A reply on its way to the transport; `isDisposed` marks the last one of a message. */
type Respond = (packet: { readonly isDisposed?: boolean }) => unknown;

/**
 * The method that Nest's ListenersController calls on a microservice server (`addHandler`), and the members of those
 * that extend Nest's `Server` (Nest 11 and 12).
 */
export interface HandlingServer {
  addHandler?(pattern: unknown, handler: Handler, ...rest: unknown[]): unknown;
  messageHandlers?: Map<unknown, Handler>;
  /** Takes one message from the network. All of Nest's own transports except gRPC have it. */
  handleMessage?: Handler;
  /** Subscribes to a handler's stream and passes its values to `respond`. */
  send?(stream: unknown, respond: Respond): unknown;
}

/** The message that the running code belongs to. */
const carried = new AsyncLocalStorage<Flight>();

/**
 * Counts the messages of one microservice server from the outside: the handler until its result is settled, a stream
 * until it ends, and the reply until the transport was given the last part of it. A handler that a custom strategy
 * calls with a pattern of its own counts, too. What such a strategy does with the result after that (a reply that it
 * sends without `Server.send`, an acknowledgement) is not seen.
 *
 * @param wholeMessages whether `handleMessage` is Nest's own, which is over when the handler was called
 * @param flightsOf returns the group of a message, given the arguments of `handleMessage`
 */
export function watchHandlers(
  server: HandlingServer,
  flights: Flights,
  wholeMessages: boolean,
  flightsOf: (args: readonly unknown[]) => Flights = () => flights,
): void {
  const { addHandler, handleMessage, send, messageHandlers } = server;
  const current = (): Flight => {
    const flight = carried.getStore();
    return flight?.isOf(flights) ? flight : flights.next();
  };

  if (messageHandlers instanceof Map) {
    for (const [pattern, handler] of messageHandlers) messageHandlers.set(pattern, watched(handler));
  }
  if (typeof addHandler === 'function') {
    server.addHandler = (pattern, handler, ...rest) => addHandler.call(server, pattern, watched(handler), ...rest);
  }
  if (wholeMessages && typeof handleMessage === 'function') {
    server.handleMessage = (...args) => follow(flightsOf(args).next(), () => handleMessage.apply(server, args));
  }
  if (typeof send === 'function') {
    server.send = (stream, respond) => {
      const landed = current().hold();
      try {
        return send.call(server, stream, (packet) => {
          if (!packet.isDisposed) return respond(packet);
          return settled(() => respond(packet), landed);
        });
      } catch (error) {
        landed();
        throw error;
      }
    };
  }

  /**
   * Returns a proxy, because Nest chains the event handlers of a pattern by a property of the function that it made.
   */
  function watched(handler: Handler): Handler {
    if (typeof handler !== 'function') return handler;
    return new Proxy(handler, {
      apply: (target, self, args) => follow(current(), () => target.apply(self, args)),
    });
  }
}

/** Runs an activity of the message; it is in flight until its result is settled, including a stream in it. */
function follow(flight: Flight, work: () => unknown): unknown {
  const landed = flight.hold();
  let result: unknown;
  try {
    result = carried.run(flight, work);
  } catch (error) {
    landed();
    throw error;
  }
  if (!isPromise(result)) return streamed(result);
  return result.then(streamed, (error: unknown) => {
    landed();
    throw error;
  });

  function streamed(value: unknown): unknown {
    if (!isObservable(value)) {
      landed();
      return value;
    }
    // Code that wants the values of the stream subscribes in this turn; a stream without a subscriber must not be
    // waited for.
    setImmediate(landed);
    return new Observable((subscriber) => {
      subscriber.add(flight.hold());
      return value.subscribe(subscriber);
    });
  }
}

function settled(work: () => unknown, done: () => void): unknown {
  let result: unknown;
  try {
    result = work();
  } catch (error) {
    done();
    throw error;
  }
  if (isPromise(result)) return result.finally(done);
  done();
  return result;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise;
}
