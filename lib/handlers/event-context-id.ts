import { ContextIdFactory } from '@nestjs/core';
import { EventContextError } from '../errors/errors.js';
import type { ClusterEventContext } from '../events/cluster-event-context.js';

/**
 * In an event, what REQUEST injects into a request-scoped provider, and what a ContextIdStrategy is given.
 * @publicApi
 */
export interface ClusterEventRequest {
  readonly data: unknown;
  readonly context: ClusterEventContext;
}

/**
 * The context id of an event, from the app's ContextIdStrategy if it has one.
 *
 * @param handler the handler's name in messages
 * @throws EventContextError if the strategy throws: most strategies are written for HTTP requests, which have headers
 */
export function eventContextId(request: ClusterEventRequest, handler: string) {
  try {
    return ContextIdFactory.getByRequest(request);
  } catch (cause) {
    const { strategy } = ContextIdFactory as unknown as { strategy?: object };
    throw new EventContextError(request.context.event, handler, strategy?.constructor.name, cause);
  }
}
