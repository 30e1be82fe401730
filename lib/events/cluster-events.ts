import type { Observable } from 'rxjs';
import type { ClusterEventContext } from './cluster-event-context.js';

/**
 * Your events, added by declaration merging: each name maps to a function of what a handler takes and returns.
 *
 * ```ts
 * declare module 'nestjs-cluster' {
 *   interface ClusterEvents {
 *     'cache.clear': (key: string) => void;
 *     'image.resize': (job: Job) => Image;
 *   }
 * }
 * ```
 *
 * Decorators and messenger calls then check the data and results of these events; other events stay untyped (`any`).
 *
 * @publicApi
 */
// Empty on purpose: it exists to be merged into.
// oxlint-disable-next-line typescript/no-empty-object-type
export interface ClusterEvents {}

type KnownEvent = Extract<keyof ClusterEvents, string>;

/** Any string; the names in `ClusterEvents` are offered for completion. @publicApi */
// `string & {}` keeps the union from collapsing into string, which would lose the completion.
// oxlint-disable-next-line typescript/no-empty-object-type
export type EventName = KnownEvent | (string & {});

/** The data that a handler of `E` receives. @publicApi */
export type EventData<E extends EventName> = E extends KnownEvent
  ? ClusterEvents[E] extends (...args: infer A) => unknown
    ? A[0]
    : any
  : any;

/** The awaited return value of a handler of `E`. @publicApi */
export type EventResult<E extends EventName> = E extends KnownEvent
  ? ClusterEvents[E] extends (...args: never[]) => infer R
    ? Awaited<R>
    : any
  : any;

/** A handler of `E`. A returned promise is awaited; the result of an Observable is its last value. @publicApi */
export type ClusterEventHandler<E extends EventName> = (
  data: EventData<E>,
  context: ClusterEventContext,
) => HandlerReturn<EventResult<E>>;

/** An event as `messenger.events$` emits it: the arguments that a handler would be called with. @publicApi */
export interface ClusterEvent<E extends EventName = EventName> {
  readonly data: EventData<E>;
  readonly context: ClusterEventContext;
}

/** The arguments of a messenger call after the event. Data may be left out only if the event has none. @publicApi */
export type EventArguments<E extends EventName, Options = never> =
  undefined extends EventData<E> ? [data?: EventData<E>, options?: Options] : [data: EventData<E>, options?: Options];

// An event that returns nothing accepts any handler, as a callback of type () => void does.
type HandlerReturn<R> = [R] extends [void] ? unknown : R | Promise<R> | Observable<R>;
