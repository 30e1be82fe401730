import { hostTime } from '../../platform/clock.js';
import type { Address, MemberId, Outcome, TaskRequest } from '../../bus/bus.interface.js';
import { pack, tokenOf } from '../envelope.js';
import type { WireClock, WireTime } from '../wire-time.js';

/** A task's result is kept this long, in ms: calls that come later with the same id get it. */
export const RESULT_KEPT = 5 * 60_000;

/** A run that has begun is on record for at least so long, in ms, whatever the clocks of two hosts are apart. */
const SURELY_RECORDED = RESULT_KEPT - 30_000;

/** A task that nobody could run is kept this long, in ms. */
export const DEAD_LETTER_KEPT = 7 * 24 * 60 * 60_000;

/** What a task says of itself in its queue. */
export interface TaskHeader {
  readonly id: string;
  readonly event: string;
  /** The caller's `id` option, where it gave one. */
  readonly key: string | null;
  readonly from: Address;
  readonly fromId: MemberId;
  readonly deadline: WireTime | null;
  readonly redeliveries: number;
  readonly attempts: number;
  /** Whether its caller wants to hear of its progress. */
  readonly progress: boolean;
  /** Until then, every run that has begun is on record. */
  readonly recorded: WireTime | null;
}

/** A run that has begun, as it is kept in the place of the task's result until there is one. */
export interface BeginningHeader {
  readonly task: string;
  /** How many runs have begun, this one included. */
  readonly begun: number;
  /** As in the result of this run. */
  readonly run: string;
  readonly by: MemberId;
  /** How long its worker may give no sign of life, in ms; 0 where it runs no more. */
  readonly lease: number;
}

/** How a task ended, as it is kept and as its callers are told. */
export interface ResultHeader {
  readonly task: string;
  readonly outcome: Outcome;
  readonly slot: Address;
  /** Which run this is the result of: no two have the same. */
  readonly run: string;
}

/** With these, a task has come to no result: a call with the same key begins a new one. */
export const NO_RESULT: ReadonlySet<Outcome> = new Set(['expired', 'lost', 'no-handler', 'stopping']);

/** The queue of an event's tasks. */
export const queueOf = (event: string): string => tokenOf('event', event);

/** The id that tasks of one event and key share; `round` counts those of them that came to no result. */
export const sharedId = (event: string, key: string, incarnation: number): string =>
  `${tokenOf('task', event, key)}-${incarnation}`;

/** Where those who share a task hear of its end. */
export const resultSubject = (task: string): string => `done-${task}`;

/** Where one member is spoken to. */
export const inboxOf = (member: MemberId): string => `member-${member}`;

export const recordedUntil = (times: WireClock): WireTime | null => times.toWire(hostTime() + SURELY_RECORDED);

export function packTask(
  id: string,
  { event, key, payload, deadline, redeliveries, attempts, onProgress }: TaskRequest,
  from: { readonly address: Address; readonly id: MemberId; readonly times: WireClock },
): Uint8Array {
  const header: TaskHeader = {
    id,
    event,
    key: key ?? null,
    from: from.address,
    fromId: from.id,
    deadline: from.times.toWire(deadline),
    redeliveries,
    attempts,
    progress: onProgress !== undefined,
    recorded: recordedUntil(from.times),
  };
  return pack(header, payload);
}
