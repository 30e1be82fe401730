import { ContextIdFactory } from '@nestjs/core';
import { EventContextError } from '../errors/errors.js';
import type { ClusterEventContext } from '../events/cluster-event-context.js';

/** What a request-scoped provider gets when it injects REQUEST in an event, and a ContextIdStrategy as its request. @publicApi */
export interface ClusterEventRequest {
  readonly data: unknown;
  readonly context: ClusterEventContext;
}

/**
 * The context id of an event, by the app's ContextIdStrategy where it has one.
 *
 * @param handler how messages name it
 * @throws EventContextError where the strategy throws: most are written for HTTP requests, which have headers
 */
export function eventContextId(request: ClusterEventRequest, handler: string) {
  try {
    return ContextIdFactory.getByRequest(request);
  } catch (cause) {
    const { strategy } = ContextIdFactory as unknown as { strategy?: object };
    throw new EventContextError(request.context.event, handler, strategy?.constructor.name, cause);
  }
}
