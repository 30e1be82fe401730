import type { ArgumentsHost } from '@nestjs/common';
import { settled } from './settled.js';

/** What Nest asks what becomes of an error: the filters that are bound to a handler. */
export interface ExceptionsHandler {
  next(error: unknown, host: ArgumentsHost): unknown;
}

/**
 * The filters of a handler, such that one that can only answer HTTP hides no error: where it fails because there is no
 * response, or gives nothing, the caller gets what the handler threw.
 *
 * @param failed hears of the TypeError of a filter that failed
 */
export function eventFilters(filters: ExceptionsHandler, failed: (error: TypeError) => void): ExceptionsHandler {
  return {
    next: async (error, host) => {
      let result: unknown;
      try {
        result = await settled(await filters.next(error, withoutResponse(host)));
      } catch (thrown) {
        // That is what `response.status is not a function` is; other errors a filter throws for its callers to see.
        if (thrown === error || !(thrown instanceof TypeError)) throw thrown;
        failed(thrown);
        throw error;
      }
      if (result === undefined) throw error;
      return result;
    },
  };
}

/** Whatever is done with it fails at once, and says why. */
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

/** `(data, context)` stand where request and response are in HTTP, and a context is no response. */
function withoutResponse(host: ArgumentsHost): ArgumentsHost {
  const switchToHttp = () => ({ ...host.switchToHttp(), getResponse: () => NO_RESPONSE });
  return Object.create(host, { switchToHttp: { value: switchToHttp } }) as ArgumentsHost;
}
