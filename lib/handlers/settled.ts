import { isObservable, lastValueFrom } from 'rxjs';

/** The last value of an Observable, anything else as it is: what Nest makes of a handler's result. */
export function settled(result: unknown): unknown {
  if (isObservable(result)) return lastValueFrom(result);
  if (!(result instanceof Promise)) return result;
  return result.then((value: unknown) => (isObservable(value) ? lastValueFrom(value) : value));
}
