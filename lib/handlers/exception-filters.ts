import type { ArgumentsHost } from '@nestjs/common';
import { settled } from './settled.js';

/** The part of Nest that handles an error with the filters that are bound to a handler. */
export interface ExceptionsHandler {
  next(error: unknown, host: ArgumentsHost): unknown;
}

/**
 * Wraps the filters of a handler so that a filter made for HTTP hides no error: if it fails because there is no
 * response, or returns nothing, the caller gets what the handler threw.
 *
 * @param failed called with the TypeError of a filter that failed
 */
export function eventFilters(filters: ExceptionsHandler, failed: (error: TypeError) => void): ExceptionsHandler {
  return {
    next: async (error, host) => {
      let result: unknown;
      try {
        result = await settled(await filters.next(error, withoutResponse(host)));
      } catch (thrown) {
        // `response.status is not a function` is a TypeError. Other errors are those that a filter throws to the
        // caller.
        if (thrown === error || !(thrown instanceof TypeError)) throw thrown;
        failed(thrown);
        throw error;
      }
      if (result === undefined) throw error;
      return result;
    },
  };
}

/** Every access to it fails at once, with a clear reason. */
const NO_RESPONSE = new Proxy(
  {},
  {
    get: (_target, property) => refuse(`read '${String(property)}' of`),
    set: (_target, property) => refuse(`set '${String(property)}' of`),
    has: (_target, property) => refuse(`look for '${String(property)}' in`),
  },
);

function refuse(what: string): never {
  throw new TypeError(`cannot ${what} an HTTP response: an event has none`);
}

/** In an event, `(data, context)` take the places of request and response, but a context is not a response. */
function withoutResponse(host: ArgumentsHost): ArgumentsHost {
  const switchToHttp = () => ({ ...host.switchToHttp(), getResponse: () => NO_RESPONSE });
  return Object.create(host, { switchToHttp: { value: switchToHttp } }) as ArgumentsHost;
}
