import { Observable } from 'rxjs';
import type { Handler } from '../handlers/handler.interface.js';
import type { HandlerScope } from '../handlers/handler-scope.js';
import { inSubscribersContext } from '../platform/subscriber-context.js';
import { settled } from '../handlers/settled.js';
import { checkEvent, checkFunction } from './arguments.js';
import type { ClusterEventContext } from '../events/cluster-event-context.js';

type Listener = (data: any, context: ClusterEventContext) => unknown;

/** Handlers that are added by calls such as `messenger.on`: the imperative counterpart of `@OnClusterEvent`. */
export class AddedListeners {
  readonly #added = new Map<string, { readonly listener: Listener; readonly handler: Handler }[]>();

  constructor(private readonly registry: Pick<HandlerScope, 'addListener' | 'removeListener'>) {}

  add(method: 'on' | 'once', event: string, listener: Listener): () => void {
    checkEvent(method, event);
    checkFunction(`${method}('${event}')`, 'the listener', listener);
    const handler: Handler = {
      label: `messenger.${method}(${listener.name || 'listener'})`,
      answers: true,
      isByCall: true,
      invoke: (data, context) => {
        // Removed before it runs, because the listener itself may cause the event again.
        if (method === 'once') this.#remove(event, handler);
        return settled(listener(data, context));
      },
    };
    this.#added.set(event, [...(this.#added.get(event) ?? []), { listener, handler }]);
    this.registry.addListener(event, handler);
    return () => this.#remove(event, handler);
  }

  /** Removes the listener. If it was added more than once, removes the one added last. */
  remove(event: string, listener: Listener): void {
    const added = this.#added.get(event)?.findLast((entry) => entry.listener === listener);
    if (added !== undefined) this.#remove(event, added.handler);
  }

  /** The broadcasts of the event, while subscribed. */
  watch(event: string): Observable<{ data: unknown; context: ClusterEventContext }> {
    checkEvent('events$', event);
    const events = new Observable<{ data: unknown; context: ClusterEventContext }>((subscriber) => {
      const handler: Handler = {
        label: `messenger.events$('${event}')`,
        answers: false,
        invoke: (data, context) => subscriber.next({ data, context }),
      };
      this.registry.addListener(event, handler);
      return () => this.registry.removeListener(event, handler);
    });
    return inSubscribersContext(events);
  }

  #remove(event: string, handler: Handler): void {
    const left = this.#added.get(event)?.filter((entry) => entry.handler !== handler) ?? [];
    if (left.length > 0) this.#added.set(event, left);
    else this.#added.delete(event);
    this.registry.removeListener(event, handler);
  }
}
