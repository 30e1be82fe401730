import { Observable } from 'rxjs';
import { currentContext } from './async-context.js';

/** Emits the same values, but calls each subscriber in the context in which it subscribed. */
export function inSubscribersContext<Value>(source: Observable<Value>): Observable<Value> {
  return new Observable((subscriber) => {
    const inContext = currentContext();
    return source.subscribe({
      next: (value) => inContext(() => subscriber.next(value)),
      error: (error: unknown) => inContext(() => subscriber.error(error)),
      complete: () => inContext(() => subscriber.complete()),
    });
  });
}
