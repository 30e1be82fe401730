import { isObservable, lastValueFrom } from 'rxjs';

/** The last value of an Observable, and anything else unchanged: Nest treats a handler's result in the same way. */
export function settled(result: unknown): unknown {
  if (isObservable(result)) return lastValueFrom(result);
  if (!(result instanceof Promise)) return result;
  return result.then((value: unknown) => (isObservable(value) ? lastValueFrom(value) : value));
}
